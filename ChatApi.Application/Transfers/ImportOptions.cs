using ChatApi.Application.Configuration;

namespace ChatApi.Application.Transfers;

/// <summary>How large an import may be.</summary>
/// <param name="MaxBytes">1 to 1000 MB (<c>CHAT_IMPORT_MAX_MEGABYTES</c>).</param>
public sealed record ImportOptions(int MaxBytes)
{
    /// <summary>How often names, values and brackets come in a file at most: they take more memory than letters.</summary>
    public int MaxTokens => MaxBytes / 8;

    private const int Megabyte = 1024 * 1024;

    /// <exception cref="ConfigurationException">A value is out of its range.</exception>
    public static ImportOptions Read(Settings settings) => new(settings.Integer("CHAT_IMPORT_MAX_MEGABYTES", 32, 1, 1000) * Megabyte);
}
