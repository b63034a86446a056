using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ChatApi.Application.Sessions;

/// <summary>Makes a title of what a person or a model wrote: one short line of plain words.</summary>
internal static partial class TitleText
{
    /// <summary>The longest title that is made, in UTF-16 units.</summary>
    public const int MaxLength = 80;

    private const string More = "…";

    /// <summary>A greeting is no title: it takes as many words to say what a conversation is about.</summary>
    private const int FewestWords = 3;

    /// <summary>More of a text is not looked at.</summary>
    private const int LongestBeginning = 1000;

    /// <summary>What may stand around a title that a model gives.</summary>
    private const string Around = "\"'“”„‟‘’‚‛«»‹›「」『』*_";

    private static readonly Rune ZeroWidthNonJoiner = new(0x200C);
    private static readonly Rune ZeroWidthJoiner = new(0x200D);

    /// <summary>The title in a model's answer; empty if there is none.</summary>
    public static string OfAnswer(string answer)
    {
        var line = Unwrap(Plain(FirstLine(Beginning(answer))));
        return Cut(Unwrap(Label().Replace(line, "")));
    }

    /// <summary>The first sentence of a question that says something, or its first words; empty if it has none.</summary>
    public static string OfQuestion(string question)
    {
        var line = Plain(FirstLine(Beginning(question)));
        var sentence = Sentence().Matches(line).Select(match => match.Value).FirstOrDefault(text => text.Split(' ').Length >= FewestWords) ?? line;
        return Cut(sentence.TrimEnd('.', ':', ' '));
    }

    /// <summary>As much of a text as is needed to see what it is about; no half of a character at its end.</summary>
    public static string Beginning(string text) => text.Length <= LongestBeginning
        ? text
        : text[..(char.IsHighSurrogate(text[LongestBeginning - 1]) ? LongestBeginning - 1 : LongestBeginning)];

    /// <summary>Without the quotes around all of it, and without a full stop.</summary>
    private static string Unwrap(string text)
    {
        var line = text.TrimEnd('.', ' ');
        return line.Length > 1 && Around.Contains(line[0], StringComparison.Ordinal) && Around.Contains(line[^1], StringComparison.Ordinal)
            && line.AsSpan(1, line.Length - 2).IndexOfAny(line[0], line[^1]) < 0
            ? Unwrap(line[1..^1].Trim())
            : line;
    }

    private static string FirstLine(string text) =>
        text.Split(['\n', '\r', '\u2028', '\u2029', '\u0085', '\v', '\f']).FirstOrDefault(line => line.EnumerateRunes().Any(Rune.IsLetterOrDigit))
        ?? text;

    /// <summary>On one line, without Markdown, and without what is not seen but changes how the rest is shown.</summary>
    private static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune) || Rune.IsControl(rune))
                plain.Append(' ');
            else if (rune != Rune.ReplacementChar && (Rune.GetUnicodeCategory(rune) != UnicodeCategory.Format || rune == ZeroWidthJoiner || rune == ZeroWidthNonJoiner))
                plain.Append(rune);
        }

        var words = Space().Replace(plain.ToString(), " ").Trim();
        return Emphasis().Replace(BlockMark().Replace(words, ""), "").Trim();
    }

    /// <summary>Whole words, whole characters, and short.</summary>
    private static string Cut(string text)
    {
        if (text.Length <= MaxLength)
            return text;
        var end = 0;
        foreach (var start in StringInfo.ParseCombiningCharacters(text).Where(start => start <= MaxLength - More.Length))
            end = start;
        var space = text.LastIndexOf(' ', end, end + 1);

        // A word that is longer than half of a title is cut: otherwise little would be left, and nothing of a language without spaces.
        var kept = text[..(space > MaxLength / 2 ? space : end)].TrimEnd(' ', ',', ';', ':', '.', '-', '–', '—');
        return kept.Length == 0 ? "" : kept + More;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    /// <summary>Of headings, lists and quotations.</summary>
    [GeneratedRegex(@"^(?:(?:#{1,6}|[-*+>]|\d{1,3}[.)]) )+|^(?:`{3,}|~{3,})")]
    private static partial Regex BlockMark();

    /// <summary>What is bold or code; single stars and underscores may be of a formula or a name.</summary>
    [GeneratedRegex(@"\*\*|__|`")]
    private static partial Regex Emphasis();

    [GeneratedRegex(@"^(?:title|t[ií]tulo)\s*:\s*", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Label();

    /// <summary>Up to a mark that ends it before a space, or a mark that is followed by none in its language.</summary>
    [GeneratedRegex(@"\S.*?(?:[.?!…]+(?= |$)|[。？！]+|$)")]
    private static partial Regex Sentence();
}
