using ChatApi.Application.Configuration;

namespace ChatApi.Application.Sessions;

/// <summary>Where the title of a conversation comes from that nobody has named.</summary>
public enum TitleSource
{
    /// <summary>It keeps the title that all have at first.</summary>
    Off,

    /// <summary>From the first words of its question.</summary>
    Heuristic,

    /// <summary>From the model; from the question where the model does not give one.</summary>
    Model,
}

/// <summary>How conversations get a title that nobody has named.</summary>
/// <param name="Source">Where it comes from (<c>CHAT_TITLES</c>).</param>
/// <param name="Model">Which model is asked (<c>CHAT_TITLE_MODEL</c>); null for the default one.</param>
public sealed record TitleOptions(TitleSource Source, string? Model)
{
    private const int MaxModelLength = 200;

    /// <exception cref="ConfigurationException">A value is none of those that there are.</exception>
    public static TitleOptions Read(Settings settings)
    {
        var source = settings.Text("CHAT_TITLES") switch
        {
            null or "model" => TitleSource.Model,
            "heuristic" => TitleSource.Heuristic,
            "off" => TitleSource.Off,
            _ => throw new ConfigurationException("CHAT_TITLES must be model, heuristic or off."),
        };
        var model = settings.Text("CHAT_TITLE_MODEL");
        return model is { Length: > MaxModelLength }
            ? throw new ConfigurationException($"CHAT_TITLE_MODEL must be a name of {MaxModelLength} characters at most.")
            : new(source, model);
    }
}
