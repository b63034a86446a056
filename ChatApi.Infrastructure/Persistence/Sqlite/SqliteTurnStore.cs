using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence.Sqlite;

/// <summary>Turns by the statements that EF Core makes.</summary>
internal sealed class SqliteTurnStore(IDbContextFactory<SqliteChatDbContext> contexts) : ITurnStore
{
    public async Task<Conversation?> ReadAsync(Guid userId, Guid sessionId, int messages, CancellationToken cancellationToken)
    {
        await using var db = contexts.CreateDbContext();
        var latest = db.Messages
            .Where(message => message.SessionId == sessionId && message.Content != "")
            .OrderByDescending(message => message.Position)
            .Take(messages);
        var rows = await (
            from session in db.Sessions
            where session.Id == sessionId && session.UserId == userId
            from message in latest.DefaultIfEmpty()
            select new { session.LastPosition, Position = (int?)message.Position, Role = (MessageRole?)message.Role, message.Content })
            .ToListAsync(cancellationToken);
        return rows.Count == 0
            ? null
            : new(rows[0].LastPosition, [.. rows.Where(row => row.Role is not null).OrderBy(row => row.Position).Select(row => new Utterance(row.Role!.Value, row.Content))]);
    }

    public async Task StartAsync(NewTurn turn)
    {
        await using var db = contexts.CreateDbContext();
        await db.InTransactionAsync(
            async () =>
            {
                if (turn.NewSession is { } session)
                    db.Sessions.Add(session);
                else
                    await MoveOnAsync(db, turn);
                db.Messages.AddRange(turn.Question, turn.Reply);
                db.Runs.Add(turn.Run);
                await db.SaveChangesAsync(CancellationToken.None);
            },
            CancellationToken.None);
    }

    public async Task EndAsync(Run run, ChatMessage reply, bool isKept)
    {
        await using var db = contexts.CreateDbContext();
        var row = db.Runs.Attach(run);
        row.Property(stored => stored.Status).OriginalValue = RunStatus.Running;
        row.Property(stored => stored.Status).IsModified = true;
        row.Property(stored => stored.ErrorCode).IsModified = true;
        row.Property(stored => stored.EndedAt).IsModified = true;
        row.Property(stored => stored.Pieces).IsModified = true;
        row.Property(stored => stored.PieceLengths).IsModified = true;
        if (isKept)
            db.Messages.Update(reply);
        else
            db.Messages.Remove(reply);
        await db.SaveChangesAsync(CancellationToken.None);
    }

    /// <summary>Before anything refers to the conversation: it may be gone.</summary>
    private static async Task MoveOnAsync(SqliteChatDbContext db, NewTurn turn)
    {
        var moved = await db.Sessions
            .Where(session => session.Id == turn.Run.SessionId && session.LastPosition == turn.Question.Position - 1)
            .ExecuteUpdateAsync(set => set
                .SetProperty(session => session.LastPosition, turn.Reply.Position)
                .SetProperty(session => session.UpdatedAt, turn.Question.CreatedAt)
                .SetProperty(session => session.LastMessageAt, turn.Question.CreatedAt));
        if (moved == 0)
            throw new DbUpdateConcurrencyException("The conversation is not as it was read.");
    }
}
