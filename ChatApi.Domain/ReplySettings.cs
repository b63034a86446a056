namespace ChatApi.Domain;

/// <summary>How replies are made. What is null is left to whoever is asked next: the turn, the session, the operator, the model.</summary>
/// <param name="Model">The model.</param>
/// <param name="SystemPrompt">What the model is told first.</param>
/// <param name="Temperature">0 to 2.</param>
/// <param name="MaxOutputTokens">The longest reply, in tokens, from 1.</param>
/// <param name="TopP">Above 0, to 1.</param>
/// <param name="Stop">Texts at which the model ends; four at most.</param>
public sealed record ReplySettings(
    string? Model = null, string? SystemPrompt = null, double? Temperature = null, int? MaxOutputTokens = null, double? TopP = null,
    IReadOnlyList<string>? Stop = null)
{
    /// <summary>Nothing is set.</summary>
    public static ReplySettings None { get; } = new();

    /// <summary>These settings, and those of <paramref name="others"/> for what these leave open.</summary>
    public ReplySettings Or(ReplySettings others) => new(
        Model ?? others.Model, SystemPrompt ?? others.SystemPrompt, Temperature ?? others.Temperature,
        MaxOutputTokens ?? others.MaxOutputTokens, TopP ?? others.TopP, Stop ?? others.Stop);
}
