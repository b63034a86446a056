using System.Buffers;

namespace ChatApi.Application.Runs;

/// <summary>Where the pieces of a stored reply end, kept as the length of each in LEB128: about a byte a piece.</summary>
internal static class PieceLengths
{
    private const int MostBytes = 5; // Of 32 bits, seven in each.

    /// <param name="ends">Where each piece ends, in UTF-16 units, rising.</param>
    /// <param name="start">Where the first one begins.</param>
    public static byte[] Encode(ReadOnlySpan<int> ends, int start = 0)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(ends.Length * MostBytes);
        var count = 0;
        foreach (var end in ends)
        {
            var length = (uint)(end - start);
            for (; length > 0x7F; length >>= 7)
                bytes[count++] = (byte)(length | 0x80);
            bytes[count++] = (byte)length;
            start = end;
        }

        var encoded = bytes.AsSpan(0, count).ToArray();
        ArrayPool<byte>.Shared.Return(bytes);
        return encoded;
    }

    /// <summary>Where each piece ends, in UTF-16 units.</summary>
    public static IEnumerable<int> Decode(byte[] lengths)
    {
        var (end, length, shift) = (0, 0, 0);
        foreach (var value in lengths)
        {
            length |= (value & 0x7F) << shift;
            shift += 7;
            if ((value & 0x80) != 0)
                continue;
            yield return end += length;
            (length, shift) = (0, 0);
        }
    }

    /// <summary>Where the first <paramref name="pieces"/> pieces end, in UTF-16 units.</summary>
    public static int Offset(byte[]? lengths, int pieces) =>
        pieces == 0 || lengths is null ? 0 : Decode(lengths).Take(pieces).LastOrDefault();
}
