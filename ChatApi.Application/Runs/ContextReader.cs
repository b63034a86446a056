using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace ChatApi.Application.Runs;

/// <summary>Reads what the model is shown for a question.</summary>
public sealed class ContextReader(ITurnStore turns, TurnOptions options, ITokenCounter tokens)
{
    /// <summary>The conversation and what the model is shown for its next question: one round trip.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="InvalidRequestException"><c>context_too_long</c>: the question alone does not fit.</exception>
    internal async Task<(int LastPosition, List<AIMessage> Context)> OpenAsync(
        Guid userId, Guid sessionId, string question, CancellationToken cancellationToken)
    {
        var conversation = await turns.ReadAsync(userId, sessionId, options.HistoryMessages, cancellationToken) ?? throw new NotFoundException();
        return (conversation.LastPosition, await BuildAsync(conversation.History, question));
    }

    /// <summary>What the model was shown for a question that is stored.</summary>
    /// <inheritdoc cref="OpenAsync" path="/exception"/>
    internal async Task<List<AIMessage>> ReadAsync(IChatDbContext db, ChatMessage question, CancellationToken cancellationToken)
    {
        var history = await db.Messages
            .Where(message => message.SessionId == question.SessionId && message.Position < question.Position && message.Content != "")
            .OrderByDescending(message => message.Position)
            .Take(options.HistoryMessages)
            .OrderBy(message => message.Position)
            .Select(message => new Utterance(message.Role, message.Content))
            .ToListAsync(cancellationToken);
        return await BuildAsync(history, question.Content);
    }

    /// <summary>What the model is shown where nothing went before.</summary>
    /// <inheritdoc cref="OpenAsync" path="/exception"/>
    internal Task<List<AIMessage>> BuildAsync(string question) => BuildAsync([], question);

    private async Task<List<AIMessage>> BuildAsync(IReadOnlyList<Utterance> history, string question)
    {
        // Where tokens have to be counted, it takes a while.
        await PollingThread.LeaveAsync();
        return ContextWindow.Build(options, history, question, tokens);
    }
}
