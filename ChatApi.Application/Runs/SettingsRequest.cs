using System.Text.Json;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using FluentValidation;

namespace ChatApi.Application.Runs;

/// <summary>How replies are to be made. What is absent is left to the session, and then to the operator.</summary>
public abstract record SettingsRequest
{
    private static readonly string[] Settings = [nameof(Model), nameof(SystemPrompt), nameof(Temperature), nameof(MaxOutputTokens), nameof(TopP), nameof(Stop)];

    private HashSet<string>? _named;

    /// <summary>One of the models that may be asked.</summary>
    public string? Model { get; init => field = Named(value, nameof(Model)); }

    /// <summary>What the model is told first, 32 000 characters at most; empty for nothing.</summary>
    public string? SystemPrompt { get; init => field = Named(value, nameof(SystemPrompt)); }

    /// <summary>0 to 2.</summary>
    public double? Temperature { get; init => field = Named(value, nameof(Temperature)); }

    /// <summary>The longest reply in tokens, from 1 to what the operator allows.</summary>
    public int? MaxOutputTokens { get; init => field = Named(value, nameof(MaxOutputTokens)); }

    /// <summary>Above 0, to 1.</summary>
    public double? TopP { get; init => field = Named(value, nameof(TopP)); }

    /// <summary>Texts at which the model ends; 4 of 64 characters at most.</summary>
    public IReadOnlyList<string>? Stop { get; init => field = Named(value, nameof(Stop)); }

    /// <summary>A JSON object of the client's, 4 096 bytes and 16 levels at most, which is given back as it is.</summary>
    public JsonElement? Metadata { get; init => field = Named(value, nameof(Metadata)); }

    /// <summary>Whether the request names a field, be it to say null.</summary>
    internal bool Names(string field) => _named?.Contains(field) == true;

    /// <summary>Whether the request names any of the settings.</summary>
    internal bool NamesSettings() => _named is not null && Settings.Any(_named.Contains);

    internal ReplySettings ToSettings() => new(Model, SystemPrompt, Temperature, MaxOutputTokens, TopP, Stop is { Count: 0 } ? null : Stop);

    internal string? MetadataText() => Metadata?.GetRawText();

    /// <summary>These settings where they are named, and the others where they are not.</summary>
    internal ReplySettings ApplyTo(ReplySettings settings) => new(
        Names(nameof(Model)) ? Model : settings.Model,
        Names(nameof(SystemPrompt)) ? SystemPrompt : settings.SystemPrompt,
        Names(nameof(Temperature)) ? Temperature : settings.Temperature,
        Names(nameof(MaxOutputTokens)) ? MaxOutputTokens : settings.MaxOutputTokens,
        Names(nameof(TopP)) ? TopP : settings.TopP,
        Names(nameof(Stop)) ? Stop is { Count: 0 } ? null : Stop : settings.Stop);

    private T Named<T>(T value, string name)
    {
        (_named ??= []).Add(name);
        return value;
    }
}

/// <summary>What settings may be.</summary>
public sealed class SettingsRules(Models models, TurnOptions options)
{
    private readonly Rules _rules = new(options);

    /// <exception cref="InvalidRequestException"><c>invalid_request</c> or <c>unknown_model</c>.</exception>
    internal void Check(SettingsRequest request)
    {
        _rules.Check(request);
        models.Check(request.Model);
    }

    private sealed class Rules : AbstractValidator<SettingsRequest>
    {
        private const int MaxStops = 4;
        private const int MaxStopLength = 64;

        public Rules(TurnOptions options)
        {
            RuleFor(request => request.SystemPrompt).MaximumLength(Validation.MaxContentLength)
                .WithMessage($"A system prompt may have {Validation.MaxContentLength} characters at most.");
            RuleFor(request => request.Temperature).InclusiveBetween(0, 2).WithMessage("The temperature must be from 0 to 2.");
            RuleFor(request => request.TopP).Must(value => value is null or (> 0 and <= 1)).WithMessage("top_p must be above 0, and 1 at most.");
            RuleFor(request => request.MaxOutputTokens).InclusiveBetween(1, options.MaxOutputTokens)
                .WithMessage($"max_output_tokens must be from 1 to {options.MaxOutputTokens}.");
            RuleFor(request => request.Stop).Must(stops => stops is null || stops.Count <= MaxStops && stops.All(stop => stop is { Length: > 0 and <= MaxStopLength }))
                .WithMessage($"stop may have {MaxStops} texts of 1 to {MaxStopLength} characters.");
            RuleFor(request => request.Metadata).Must(metadata => metadata is null || Validation.IsMetadata(metadata.Value))
                .WithMessage($"metadata must be a JSON object of {Validation.MaxMetadataBytes} bytes and {Validation.MaxMetadataDepth} levels at most.");
        }
    }
}
