using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;

namespace ChatApi.Application.Runs;

/// <summary>Reads what the model is shown for a question.</summary>
public sealed class ContextReader(ITurnStore turns, TurnOptions options, ITokenCounter tokens)
{
    /// <summary>The conversation as it is before a position, in one round trip.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    internal async Task<Conversation> OpenAsync(Guid userId, Guid sessionId, int before, CancellationToken cancellationToken) =>
        await turns.ReadAsync(userId, sessionId, before, options.HistoryMessages, cancellationToken) ?? throw new NotFoundException();

    /// <summary>The conversation as it is, and a turn stored at its end in the same round trip, if nothing has to be decided in between.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="UniqueViolationException">As <see cref="ITurnStore.ReadAndStartAsync"/> says.</exception>
    internal async Task<Conversation> OpenAndStartAsync(NewTurn turn, ReplySettings settings) =>
        await turns.ReadAndStartAsync(turn, options.HistoryMessages, ContextWindow.RoomUncounted(With(settings), turn.Question.Content))
        ?? throw new NotFoundException();

    /// <summary>What the model is shown.</summary>
    /// <exception cref="InvalidRequestException"><c>context_too_long</c>: the question alone does not fit.</exception>
    internal async Task<ContextWindow> BuildAsync(ReplySettings settings, IReadOnlyList<Utterance> history, string question)
    {
        var own = With(settings);

        // To count tokens takes a while.
        if (!ContextWindow.FitsUncounted(own, history, question))
            await PollingThread.LeaveAsync();
        return ContextWindow.Build(own, history, question, tokens);
    }

    private TurnOptions With(ReplySettings settings) => settings.SystemPrompt is { } prompt ? options with { SystemPrompt = prompt } : options;
}
