using System.Globalization;
using System.Text;

namespace ChatApi.Application.Sessions;

/// <summary>
/// How words are compared where something is searched for: case and accents do not matter, in no language in particular. Both databases'
/// indexes fold what they hold in the same way.
/// </summary>
public static class SearchText
{
    /// <summary>More words than anybody types; what comes after them is not looked at.</summary>
    private const int MaxWords = 16;

    private const int SnippetLength = 160;

    /// <summary>How much is shown before the first word that was found.</summary>
    private const int SnippetLead = 40;

    /// <summary>The words of a text, folded, each once; punctuation and symbols are none.</summary>
    public static IReadOnlyList<string> Words(string text) =>
        [.. Tokens(text).Select(token => Fold(text[token])).Where(word => word.Length > 0).Distinct().Take(MaxWords)];

    /// <summary>Whether each of the words begins a word of the text.</summary>
    public static bool Matches(string text, IReadOnlyList<string> words)
    {
        var tokens = Tokens(text).Select(token => Fold(text[token])).ToList();
        return words.All(word => tokens.Exists(token => token.StartsWith(word, StringComparison.Ordinal)));
    }

    /// <summary>A part of a text with the first of the words in it, on one line.</summary>
    public static string Snippet(string text, IReadOnlyList<string> words)
    {
        var at = 0;
        foreach (var token in Tokens(text))
        {
            var folded = Fold(text[token]);
            if (!words.Any(word => folded.StartsWith(word, StringComparison.Ordinal)))
                continue;
            at = token.Start.Value;
            break;
        }

        var start = at <= SnippetLead ? 0 : WordStart(text, at - SnippetLead, at);
        var end = Math.Min(text.Length, start + SnippetLength);
        if (end < text.Length)
            end = WordEnd(text, Math.Max(at, start), end);
        var shown = string.Join(' ', text[start..end].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return $"{(start > 0 ? "…" : "")}{shown}{(end < text.Length ? "…" : "")}";
    }

    /// <summary>Lower case, without accents.</summary>
    public static string Fold(string text)
    {
        var folded = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            if (Accents.Fold(character) is { } letter)
                folded.Append(letter);
        }

        return folded.ToString();
    }

    private static IEnumerable<Range> Tokens(string text)
    {
        var start = -1;
        for (var i = 0; i < text.Length;)
        {
            var length = Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var consumed) == System.Buffers.OperationStatus.Done ? consumed : 1;
            if (IsOfWord(rune))
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                yield return start..i;
                start = -1;
            }

            i += length;
        }

        if (start >= 0)
            yield return start..;
    }

    private static bool IsOfWord(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark => true,
        _ => false,
    };

    /// <summary>After the first blank from there on, as long as that is before the word that was found; never within a character.</summary>
    private static int WordStart(string text, int from, int before)
    {
        for (var i = from; i < before; i++)
        {
            if (char.IsWhiteSpace(text[i]))
                return i + 1;
        }

        return char.IsLowSurrogate(text[from]) ? from + 1 : from;
    }

    private static int WordEnd(string text, int after, int end)
    {
        for (var i = end; i > after && i > end - SnippetLead; i--)
        {
            if (char.IsWhiteSpace(text[i]))
                return i;
        }

        return char.IsLowSurrogate(text[end]) ? end - 1 : end;
    }
}
