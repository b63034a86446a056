using ChatApi.Application.Configuration;

namespace ChatApi.Application.Runs;

/// <summary>What a turn is made with where nobody says otherwise.</summary>
/// <param name="SystemPrompt">What the model is told first (<c>CHAT_SYSTEM_PROMPT</c>).</param>
/// <param name="Temperature">0 to 2 (<c>CHAT_TEMPERATURE</c>).</param>
/// <param name="MaxOutputTokens">The longest reply, 1 to 1 000 000 tokens (<c>CHAT_MAX_OUTPUT_TOKENS</c>).</param>
/// <param name="HistoryMessages">How many messages before the question are sent along, 0 to 1000 (<c>CHAT_HISTORY_MESSAGES</c>).</param>
/// <param name="ContextTokens">How many tokens are sent at most, 256 to 10 000 000 (<c>CHAT_CONTEXT_TOKENS</c>).</param>
public sealed record TurnOptions(string SystemPrompt, double Temperature, int MaxOutputTokens, int HistoryMessages, int ContextTokens)
{
    /// <exception cref="ConfigurationException">A value is out of its range.</exception>
    public static TurnOptions Read(Settings settings) => new(
        settings.Text("CHAT_SYSTEM_PROMPT") ?? "You are a helpful assistant. Answer in the language of the question.",
        settings.Number("CHAT_TEMPERATURE", 0.7, 0, 2),
        settings.Integer("CHAT_MAX_OUTPUT_TOKENS", 2000, 1, 1_000_000),
        settings.Integer("CHAT_HISTORY_MESSAGES", 10, 0, 1000),
        settings.Integer("CHAT_CONTEXT_TOKENS", 16_000, 256, 10_000_000));
}
