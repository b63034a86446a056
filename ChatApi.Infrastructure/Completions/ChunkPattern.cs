using System.Buffers;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// What a chunk looks like but for its text. Nearly all chunks of a reply are the one before with another text, and to compare bytes costs a
/// tenth of reading JSON. What else may differ is <c>obfuscation</c>, which OpenAI fills up its chunks with.
/// </summary>
internal sealed class ChunkPattern
{
    /// <summary>Bytes of the longest chunk that is remembered, for as long as the reply lasts. One with a piece of it has some hundred.</summary>
    public const int Longest = 4 * 1024;

    /// <summary>What ends a JSON string, begins an escape in it, or must not be in it.</summary>
    private static readonly SearchValues<byte> NotPlain = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(value => (byte)value), (byte)'"', (byte)'\\']);

    private byte[] _chunk = [];
    private int _length;
    private (int Start, int End) _text;
    private (int Start, int End) _padding;

    /// <summary>No chunk is alike any more.</summary>
    public void Forget() => _length = 0;

    /// <summary>From now on chunks are alike that differ from this one, which is not too long, in nothing but what those strings hold.</summary>
    /// <param name="chunk">JSON; it is copied.</param>
    /// <param name="text">Where in it the text lies, between its quotes.</param>
    /// <param name="padding">Where, after the text, something lies that means nothing; from 0 to 0 where there is none.</param>
    public void Learn(ReadOnlySpan<byte> chunk, (int Start, int End) text, (int Start, int End) padding)
    {
        if (chunk.Length > Longest)
            return;
        if (_chunk.Length < chunk.Length)
            _chunk = new byte[chunk.Length];
        chunk.CopyTo(_chunk);
        (_length, _text, _padding) = (chunk.Length, text, padding);
    }

    /// <summary>Whether a chunk is alike: the same JSON but for a text.</summary>
    /// <param name="chunk">A chunk.</param>
    /// <param name="text">The text as it lies in it.</param>
    /// <param name="isEscaped">Whether there are escapes in it, all of them such as JSON has.</param>
    public bool Matches(ReadOnlySpan<byte> chunk, out ReadOnlySpan<byte> text, out bool isEscaped)
    {
        text = default;
        isEscaped = false;
        if (_length == 0)
            return false;
        var pattern = _chunk.AsSpan(0, _length);
        if (!TryPass(ref chunk, pattern[.._text.Start]) || !TryPassString(ref chunk, out text, out isEscaped))
            return false;
        if (_padding.End == 0)
            return chunk.SequenceEqual(pattern[_text.End..]);
        return TryPass(ref chunk, pattern[_text.End.._padding.Start])
            && TryPassString(ref chunk, out _, out _)
            && chunk.SequenceEqual(pattern[_padding.End..]);
    }

    private static bool TryPass(scoped ref ReadOnlySpan<byte> chunk, ReadOnlySpan<byte> part)
    {
        if (!chunk.StartsWith(part))
            return false;
        chunk = chunk[part.Length..];
        return true;
    }

    private static bool TryPassString(scoped ref ReadOnlySpan<byte> chunk, out ReadOnlySpan<byte> text, out bool isEscaped)
    {
        text = default;
        isEscaped = false;
        var end = chunk.IndexOfAny(NotPlain);
        while (end >= 0 && chunk[end] == (byte)'\\')
        {
            var escape = LengthOfEscape(chunk[end..]);
            if (escape == 0)
                return false;
            isEscaped = true;
            end += escape;
            var plain = chunk[end..].IndexOfAny(NotPlain);
            end = plain < 0 ? -1 : end + plain;
        }

        if (end < 0 || chunk[end] != (byte)'"')
            return false;
        text = chunk[..end];
        chunk = chunk[end..];
        return true;
    }

    /// <summary>Bytes; 0: it is none that JSON has.</summary>
    private static int LengthOfEscape(ReadOnlySpan<byte> text) => text switch
    {
        [_, (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t', ..] => 2,
        [_, (byte)'u', var a, var b, var c, var d, ..] when IsHex(a) && IsHex(b) && IsHex(c) && IsHex(d) => 6,
        _ => 0,
    };

    private static bool IsHex(byte digit) => char.IsAsciiHexDigit((char)digit);
}
