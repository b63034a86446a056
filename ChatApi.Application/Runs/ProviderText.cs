using System.Text;

namespace ChatApi.Application.Runs;

/// <summary>Makes what a provider of models says of itself fit for the database.</summary>
internal static class ProviderText
{
    /// <summary>So many UTF-16 units at most, without half characters, and without U+0000, which PostgreSQL does not take.</summary>
    public static string? Cut(string? value, int length)
    {
        if (value is null)
            return null;
        var cut = value.Length <= length ? value : value[..(length > 0 && char.IsHighSurrogate(value[length - 1]) ? length - 1 : length)];
        if (!cut.AsSpan().ContainsAnyInRange('\ud800', '\udfff') && !cut.Contains('\0', StringComparison.Ordinal))
            return cut;
        var sound = new StringBuilder(cut.Length);
        foreach (var rune in cut.EnumerateRunes())
            sound.Append(rune.Value == 0 ? Rune.ReplacementChar : rune);
        return sound.ToString();
    }
}
