namespace ChatApi.Domain;

/// <summary>What a reply cost.</summary>
/// <param name="PromptTokens">Tokens of everything that was sent to the model; 0 or more.</param>
/// <param name="CompletionTokens">Tokens of the reply; 0 or more.</param>
/// <param name="Estimated">Whether the figures were counted here because the model gave none.</param>
public sealed record TokenUsage(int PromptTokens, int CompletionTokens, bool Estimated)
{
    /// <summary>Both together.</summary>
    public int TotalTokens => PromptTokens + CompletionTokens;
}
