using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using Microsoft.EntityFrameworkCore;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace ChatApi.Application.Runs;

/// <summary>Reads what the model is shown for a question.</summary>
public sealed class ContextReader(TurnOptions options, ITokenCounter tokens)
{
    /// <param name="db">The database.</param>
    /// <param name="sessionId">The conversation.</param>
    /// <param name="question">The question.</param>
    /// <param name="position">Its place: what comes before it is shown, as far as it fits.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidRequestException"><c>context_too_long</c>: the question alone does not fit.</exception>
    internal async Task<List<AIMessage>> ReadAsync(
        IChatDbContext db, Guid sessionId, string question, int position, CancellationToken cancellationToken)
    {
        if (options.HistoryMessages == 0 || position == 1)
            return ContextWindow.Build(options, [], question, tokens);
        var history = await db.Messages
            .Where(message => message.SessionId == sessionId && message.Position < position && message.Content != "")
            .OrderByDescending(message => message.Position)
            .Take(options.HistoryMessages)
            .ToListAsync(cancellationToken);
        history.Reverse();
        return ContextWindow.Build(options, history, question, tokens);
    }
}
