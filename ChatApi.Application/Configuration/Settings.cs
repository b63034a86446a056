using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace ChatApi.Application.Configuration;

/// <summary>
/// Reads settings by the names that operators know (<c>CHAT_TEMPERATURE</c>). An empty value counts as absent, as in a
/// copied <c>.env</c>; a bad one throws <see cref="ConfigurationException"/>, which names the variable and the range.
/// </summary>
public sealed class Settings(IConfiguration configuration)
{
    /// <summary>The trimmed text; null if absent or blank.</summary>
    public string? Text(string name)
    {
        var value = configuration[name]?.Trim();
        return string.IsNullOrEmpty(value) ? null : value;
    }

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public int Integer(string name, int fallback, int min, int max)
    {
        if (Text(name) is not { } text)
            return fallback;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw new ConfigurationException($"{name} must be a whole number from {min} to {max}.");
    }

    /// <summary>A number from <paramref name="min"/> to <paramref name="max"/>, with a point.</summary>
    public double Number(string name, double fallback, double min, double max)
    {
        if (Text(name) is not { } text)
            return fallback;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw new ConfigurationException(string.Create(CultureInfo.InvariantCulture, $"{name} must be a number from {min} to {max}."));
    }

    /// <summary>A time given in seconds, fractions allowed.</summary>
    public TimeSpan Seconds(string name, double fallback, double min, double max) =>
        TimeSpan.FromSeconds(Number(name, fallback, min, max));

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public bool Flag(string name, bool fallback)
    {
        if (Text(name) is not { } text)
            return fallback;
        return bool.TryParse(text, out var value) ? value : throw new ConfigurationException($"{name} must be true or false.");
    }

    /// <summary>An absolute <c>http</c> or <c>https</c> address; null if absent.</summary>
    public Uri? HttpUri(string name)
    {
        if (Text(name) is not { } text)
            return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new ConfigurationException($"{name} must be an absolute http or https address.");
    }
}
