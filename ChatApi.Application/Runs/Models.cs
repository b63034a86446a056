using ChatApi.Application.Configuration;
using ChatApi.Application.Errors;
using Microsoft.Extensions.AI;

namespace ChatApi.Application.Runs;

/// <summary>The models that may be asked.</summary>
public sealed class Models
{
    private readonly HashSet<string> _allowed;

    /// <param name="model">Says which one it asks by itself.</param>
    /// <param name="others">Those that may be asked beside it.</param>
    public Models(IChatClient model, IReadOnlyList<string> others)
    {
        ArgumentNullException.ThrowIfNull(model);
        Default = (model.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId;
        All = [.. (Default is null ? others : [Default, .. others]).Distinct(StringComparer.Ordinal)];
        _allowed = new(All, StringComparer.Ordinal);
    }

    /// <summary><c>CHAT_MODELS</c>: names, separated by commas.</summary>
    /// <exception cref="ConfigurationException">One is too long.</exception>
    public static IReadOnlyList<string> ReadOthers(Settings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var names = (settings.Text("CHAT_MODELS") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names.All(name => name.Length <= 200)
            ? names
            : throw new ConfigurationException("CHAT_MODELS must be names of 200 characters at most, separated by commas.");
    }

    /// <summary>The one that replies where nobody says otherwise; null where it does not say its name.</summary>
    public string? Default { get; }

    /// <summary>All that may be asked, the default first.</summary>
    public IReadOnlyList<string> All { get; }

    /// <summary>Whether it may be asked.</summary>
    internal bool Has(string? model) => model is not null && _allowed.Contains(model);

    /// <exception cref="InvalidRequestException"><c>unknown_model</c>.</exception>
    internal void Check(string? model)
    {
        if (model is not null && !Has(model))
            throw new InvalidRequestException(
                ErrorCodes.UnknownModel, "There is no such model here.", new Dictionary<string, string[]> { ["model"] = ["There is no such model here."] });
    }

    /// <summary>All that may be asked, as clients read it.</summary>
    public IReadOnlyList<ModelResponse> List() => [.. All.Select(name => new ModelResponse(name, name == Default))];
}

/// <summary>A model that may be asked.</summary>
/// <param name="Id">Its name, as requests give it.</param>
/// <param name="IsDefault">Whether it replies where nobody says otherwise.</param>
public sealed record ModelResponse(string Id, bool IsDefault);
