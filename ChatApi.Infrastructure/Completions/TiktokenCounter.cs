using ChatApi.Application.Abstractions;
using Microsoft.ML.Tokenizers;

namespace ChatApi.Infrastructure.Completions;

/// <summary>Counts as OpenAI's models since gpt-4o do; near enough for the others.</summary>
internal sealed class TiktokenCounter : ITokenCounter
{
    /// <summary>
    /// A word costs the square of its length, and 32,000 letters without a space 1.3 s: so long texts are counted in parts.
    /// They are cut before a space, where tokens are cut anyway, or else wherever it comes.
    /// </summary>
    private const int LongestPart = 512;

    // The vocabulary takes half a second and some memory to load: not before somebody counts.
    private static readonly Lazy<TiktokenTokenizer> Tokenizer = new(() => TiktokenTokenizer.CreateForEncoding("o200k_base"));

    public int Count(string text)
    {
        var count = 0;
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            var part = rest[..PartLength(rest)];
            count += Tokenizer.Value.CountTokens(part);
            rest = rest[part.Length..];
        }

        return count;
    }

    private static int PartLength(ReadOnlySpan<char> text)
    {
        if (text.Length <= LongestPart)
            return text.Length;
        var space = text[..LongestPart].LastIndexOf(' ');
        if (space > 0)
            return space;
        return char.IsHighSurrogate(text[LongestPart - 1]) ? LongestPart - 1 : LongestPart;
    }
}
