using System.Text;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.Extensions.AI;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace ChatApi.Application.Runs;

/// <summary>What somebody said.</summary>
/// <param name="Role">Who.</param>
/// <param name="Content">The text.</param>
public readonly record struct Utterance(MessageRole Role, string Content);

/// <summary>What the model is shown: the system prompt, as much of what went before as fits, and the question, once.</summary>
internal static class ContextWindow
{
    /// <summary>What a message costs beside its text, as OpenAI counts it.</summary>
    private const int TokensPerMessage = 4;

    /// <param name="options">The system prompt and the limits.</param>
    /// <param name="history">What went before the question, oldest first.</param>
    /// <param name="question">The question.</param>
    /// <param name="counter">Counts tokens.</param>
    /// <exception cref="InvalidRequestException"><c>context_too_long</c>: the question alone does not fit.</exception>
    public static List<AIMessage> Build(
        TurnOptions options, IReadOnlyList<Utterance> history, string question, ITokenCounter counter)
    {
        var first = FirstThatFits(options, history, question, counter);
        var messages = new List<AIMessage>(history.Count - first + 2) { new(ChatRole.System, options.SystemPrompt) };
        for (var index = first; index < history.Count; index++)
            messages.Add(new(history[index].Role == MessageRole.User ? ChatRole.User : ChatRole.Assistant, history[index].Content));
        messages.Add(new(ChatRole.User, question));
        return messages;
    }

    private static int FirstThatFits(TurnOptions options, IReadOnlyList<Utterance> history, string question, ITokenCounter counter)
    {
        // No text has more tokens than bytes: where the bytes fit, which is nearly always, nothing needs counting.
        var bytes = (history.Count + 2) * TokensPerMessage + Encoding.UTF8.GetByteCount(options.SystemPrompt)
            + Encoding.UTF8.GetByteCount(question) + history.Sum(message => Encoding.UTF8.GetByteCount(message.Content));
        if (bytes <= options.ContextTokens)
            return 0;

        var left = options.ContextTokens - Cost(options.SystemPrompt) - Cost(question);
        if (left < 0)
            throw new InvalidRequestException(ErrorCodes.ContextTooLong, "The message is too long for the model.");

        var first = history.Count;
        while (first > 0 && (left -= Cost(history[first - 1].Content)) >= 0)
            first--;

        // A reply without its question would only confuse: whole turns go together.
        while (first > 0 && first < history.Count && history[first].Role == MessageRole.Assistant)
            first++;
        return first;

        int Cost(string text) => counter.Count(text) + TokensPerMessage;
    }
}
