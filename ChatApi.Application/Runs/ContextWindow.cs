using System.Text;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.Extensions.AI;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace ChatApi.Application.Runs;

/// <summary>What somebody said.</summary>
/// <param name="Id">The message.</param>
/// <param name="Role">Who.</param>
/// <param name="Content">The text.</param>
public readonly record struct Utterance(Guid Id, MessageRole Role, string Content)
{
    /// <summary>What a message costs beside its text, in tokens, as OpenAI counts it.</summary>
    public const int Overhead = 4;
}

/// <summary>What the model is shown: the system prompt, as much of what went before as fits, and the question, once.</summary>
/// <param name="Messages">All of it.</param>
/// <param name="HistoryIds">The messages of what went before.</param>
/// <param name="Trimmed">How many of the latest messages did not fit.</param>
/// <param name="Tokens">Tokens of all of it; null where it was sure to fit without counting.</param>
internal sealed record ContextWindow(IReadOnlyList<AIMessage> Messages, Guid[] HistoryIds, int Trimmed, int? Tokens)
{
    /// <summary>Of a conversation that has not been read.</summary>
    public static ContextWindow Unknown { get; } = new([], [], 0, null);

    /// <summary>Puts it together.</summary>
    /// <param name="options">The system prompt and the limits.</param>
    /// <param name="history">What went before the question, oldest first.</param>
    /// <param name="question">The question.</param>
    /// <param name="counter">Counts tokens.</param>
    /// <exception cref="InvalidRequestException"><c>context_too_long</c>: the question alone does not fit.</exception>
    public static ContextWindow Build(
        TurnOptions options, IReadOnlyList<Utterance> history, string question, ITokenCounter counter)
    {
        var (first, tokens) = FirstThatFits(options, history, question, counter);
        var messages = new List<AIMessage>(history.Count - first + 2);
        if (options.SystemPrompt.Length > 0)
            messages.Add(new(ChatRole.System, options.SystemPrompt));
        var ids = first == history.Count ? [] : new Guid[history.Count - first];
        for (var index = first; index < history.Count; index++)
        {
            ids[index - first] = history[index].Id;
            messages.Add(new(history[index].Role == MessageRole.User ? ChatRole.User : ChatRole.Assistant, history[index].Content));
        }

        messages.Add(new(ChatRole.User, question));
        return new(messages, ids, first, tokens);
    }

    /// <summary>No text has more tokens than bytes: where the bytes fit, which is nearly always, nothing needs counting.</summary>
    public static bool FitsUncounted(TurnOptions options, IReadOnlyList<Utterance> history, string question) =>
        history.Sum(message => Bytes(message.Content)) <= RoomUncounted(options, question);

    /// <summary>What <see cref="FitsUncounted"/> leaves for what went before, in bytes and <see cref="Utterance.Overhead"/>; negative where the question is too long for it.</summary>
    public static int RoomUncounted(TurnOptions options, string question) =>
        options.ContextTokens - Bytes(options.SystemPrompt) - Bytes(question);

    private static int Bytes(string text) => Encoding.UTF8.GetByteCount(text) + Utterance.Overhead;

    private static (int First, int? Tokens) FirstThatFits(
        TurnOptions options, IReadOnlyList<Utterance> history, string question, ITokenCounter counter)
    {
        if (FitsUncounted(options, history, question))
            return (0, null);

        var left = options.ContextTokens - Cost(options.SystemPrompt) - Cost(question);
        if (left < 0)
            throw new InvalidRequestException(ErrorCodes.ContextTooLong, "The message is too long for the model.");

        var first = history.Count;
        var costs = new int[history.Count];
        while (first > 0 && (costs[first - 1] = Cost(history[first - 1].Content)) <= left)
            left -= costs[--first];

        // A reply without its question would only confuse: whole turns go together.
        while (first > 0 && first < history.Count && history[first].Role == MessageRole.Assistant)
            left += costs[first++];
        return (first, options.ContextTokens - left);

        int Cost(string text) => counter.Count(text) + Utterance.Overhead;
    }
}
