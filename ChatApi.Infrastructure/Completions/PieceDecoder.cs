using System.Buffers;
using System.Text;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Turns JSON strings into text, piece after piece. Some servers cut an emoji into two <c>\u</c> escapes and send them in two
/// chunks: the first half waits here for the second. A half that stays alone becomes U+FFFD, as everything else that is no text.
/// </summary>
internal sealed class PieceDecoder
{
    private const char Replacement = '\uFFFD';

    private char _half;

    /// <summary>The text of a JSON string, given as it stands between the quotes.</summary>
    public string Decode(ReadOnlySpan<byte> json, bool isEscaped)
    {
        if (json.IsEmpty)
            return "";
        if (!isEscaped && _half == 0)
            return Encoding.UTF8.GetString(json);

        // A byte never becomes more than one UTF-16 unit; one more for the half that waits.
        var buffer = ArrayPool<char>.Shared.Rent(json.Length + 1);
        var length = 0;
        if (_half != 0)
            buffer[length++] = _half;
        length += Unescape(json, buffer.AsSpan(length));
        var text = new string(buffer, 0, MendSurrogates(buffer.AsSpan(0, length)));
        ArrayPool<char>.Shared.Return(buffer);
        return text;
    }

    /// <summary>What is left when no more text will come.</summary>
    public string Flush()
    {
        var text = _half == 0 ? "" : Replacement.ToString();
        _half = '\0';
        return text;
    }

    /// <summary>The JSON reader has seen to it that each escape is a valid one.</summary>
    private static int Unescape(ReadOnlySpan<byte> json, Span<char> text)
    {
        var length = 0;
        while (!json.IsEmpty)
        {
            var plain = json.IndexOf((byte)'\\');
            if (plain < 0)
                plain = json.Length;
            length += Encoding.UTF8.GetChars(json[..plain], text[length..]);
            json = json[plain..];
            if (json.IsEmpty)
                break;
            text[length++] = json[1] == 'u' ? HexUnit(json.Slice(2, 4)) : Short(json[1]);
            json = json[(json[1] == 'u' ? 6 : 2)..];
        }

        return length;
    }

    private static char HexUnit(ReadOnlySpan<byte> digits)
    {
        var unit = 0;
        foreach (var digit in digits)
            unit = (unit << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        return (char)unit;
    }

    private static char Short(byte escape) => escape switch
    {
        (byte)'n' => '\n',
        (byte)'r' => '\r',
        (byte)'t' => '\t',
        (byte)'b' => '\b',
        (byte)'f' => '\f',
        _ => (char)escape,
    };

    /// <summary>Replaces lone surrogates, and keeps back a first half at the end. Returns the length that is left.</summary>
    private int MendSurrogates(Span<char> text)
    {
        _half = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (char.IsHighSurrogate(text[i]) && i + 1 == text.Length)
            {
                _half = text[i];
                return i;
            }

            if (char.IsHighSurrogate(text[i]) && char.IsLowSurrogate(text[i + 1]))
                i++;
            else
                text[i] = Replacement;
        }

        return text.Length;
    }
}
