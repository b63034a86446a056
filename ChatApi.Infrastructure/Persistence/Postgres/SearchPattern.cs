using System.Text;
using ChatApi.Application.Sessions;

namespace ChatApi.Infrastructure.Persistence.Postgres;

/// <summary>
/// What a text must look like that has a word, as a regular expression: several times cheaper than to take the text apart, and so it is asked
/// first. It may say yes to what has the word in the midst of another, and never no to what has it.
/// </summary>
internal static class SearchPattern
{
    private static readonly Lazy<ILookup<char, char>> Variants = new(FindVariants);

    /// <param name="word">A folded one: letters, digits and marks alone.</param>
    public static string Of(string word)
    {
        var pattern = new StringBuilder();
        foreach (var character in word)
        {
            if (!char.IsLetterOrDigit(character))
            {
                pattern.Append(character);
                continue;
            }

            pattern.Append('[').Append(character);
            foreach (var variant in Variants.Value[character])
                pattern.Append(variant);
            pattern.Append("][\\u0300-\\u036f]*");
        }

        return pattern.ToString();
    }

    /// <summary>The characters that are the same but for case and accents.</summary>
    private static ILookup<char, char> FindVariants() => Enumerable.Range(0x21, 0xD7FF - 0x21)
        .Select(code => (char)code)
        .Where(char.IsLetterOrDigit)
        .Select(character => (Character: character, Folded: SearchText.Fold($"{character}")))
        .Where(pair => pair.Folded.Length == 1 && pair.Folded[0] != pair.Character)
        .ToLookup(pair => pair.Folded[0], pair => pair.Character);
}
