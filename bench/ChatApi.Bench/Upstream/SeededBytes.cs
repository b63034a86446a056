using System.Buffers.Text;

namespace ChatApi.Bench.Upstream;

/// <summary>Bytes that are the same for many replies but for the eight digits of a seed, so that nothing is built per reply.</summary>
/// <param name="Bytes">With room for the digits.</param>
/// <param name="SeedAt">Where they are.</param>
internal sealed record SeededBytes(byte[] Bytes, int SeedAt)
{
    /// <summary>How many digits a seed has.</summary>
    public const int SeedLength = 8;

    public int Length => Bytes.Length;

    /// <summary>Writes a part of the bytes, with the digits of this seed.</summary>
    public void CopyTo(Span<byte> target, int from, int to, uint seed)
    {
        Bytes.AsSpan(from, to - from).CopyTo(target);
        Span<byte> digits = stackalloc byte[SeedLength];
        WriteSeed(digits, seed);
        for (var i = 0; i < SeedLength; i++)
        {
            if (SeedAt + i >= from && SeedAt + i < to)
                target[SeedAt + i - from] = digits[i];
        }
    }

    /// <summary>Whether <paramref name="data"/> is what stands at <paramref name="offset"/>, for this seed.</summary>
    public bool Matches(ReadOnlySpan<byte> data, int offset, uint seed)
    {
        if (offset + data.Length > Length)
            return false;
        Span<byte> digits = stackalloc byte[SeedLength];
        WriteSeed(digits, seed);
        while (!data.IsEmpty)
        {
            var expected = offset < SeedAt ? Bytes.AsSpan(offset, SeedAt - offset)
                : offset < SeedAt + SeedLength ? digits[(offset - SeedAt)..]
                : Bytes.AsSpan(offset);
            var length = Math.Min(expected.Length, data.Length);
            if (!data[..length].SequenceEqual(expected[..length]))
                return false;
            data = data[length..];
            offset += length;
        }

        return true;
    }

    /// <summary>The digits.</summary>
    public static void WriteSeed(Span<byte> target, uint seed) => Utf8Formatter.TryFormat(seed, target, out _, new('x', SeedLength));
}
