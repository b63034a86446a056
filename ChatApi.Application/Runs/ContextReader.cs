using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace ChatApi.Application.Runs;

/// <summary>Reads what the model is shown for a question.</summary>
public sealed class ContextReader(TurnOptions options, ITokenCounter tokens)
{
    /// <summary>The conversation, tracked, and what the model is shown for its next question: one round trip.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="InvalidRequestException"><c>context_too_long</c>: the question alone does not fit.</exception>
    internal async Task<(ChatSession Session, List<AIMessage> Context)> OpenAsync(
        IChatDbContext db, Guid userId, Guid sessionId, string question, CancellationToken cancellationToken)
    {
        var rows = await (
            from session in db.Sessions.AsTracking()
            where session.Id == sessionId && session.UserId == userId
            from message in Latest(db, sessionId, int.MaxValue).DefaultIfEmpty()
            select new { Session = session, Position = (int?)message.Position, Role = (MessageRole?)message.Role, message.Content })
            .ToListAsync(cancellationToken);
        if (rows.Count == 0)
            throw new NotFoundException();
        var history = rows.Where(row => row.Role is not null).OrderBy(row => row.Position).Select(row => new Utterance(row.Role!.Value, row.Content));
        return (rows[0].Session, await BuildAsync([.. history], question));
    }

    /// <summary>What the model was shown for a question that is stored.</summary>
    /// <inheritdoc cref="OpenAsync" path="/exception"/>
    internal async Task<List<AIMessage>> ReadAsync(IChatDbContext db, ChatMessage question, CancellationToken cancellationToken)
    {
        var history = await Latest(db, question.SessionId, question.Position)
            .OrderBy(message => message.Position)
            .Select(message => new Utterance(message.Role, message.Content))
            .ToListAsync(cancellationToken);
        return await BuildAsync(history, question.Content);
    }

    /// <summary>What the model is shown where nothing went before.</summary>
    /// <inheritdoc cref="OpenAsync" path="/exception"/>
    internal Task<List<AIMessage>> BuildAsync(string question) => BuildAsync([], question);

    private IQueryable<ChatMessage> Latest(IChatDbContext db, Guid sessionId, int before) => db.Messages
        .Where(message => message.SessionId == sessionId && message.Position < before && message.Content != "")
        .OrderByDescending(message => message.Position)
        .Take(options.HistoryMessages);

    private async Task<List<AIMessage>> BuildAsync(List<Utterance> history, string question)
    {
        // Where tokens have to be counted, it takes a while.
        await PollingThread.LeaveAsync();
        return ContextWindow.Build(options, history, question, tokens);
    }
}
