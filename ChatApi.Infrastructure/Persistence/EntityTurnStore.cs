using ChatApi.Application;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using ChatApi.Application.Sessions;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence;

/// <summary>Turns by the statements that EF Core makes.</summary>
internal sealed class EntityTurnStore<TContext>(IDbContextFactory<TContext> contexts) : ITurnStore
    where TContext : ChatDbContext
{
    public async Task<Conversation?> ReadAsync(
        Guid userId, Guid sessionId, int before, int messages, CancellationToken cancellationToken)
    {
        await using var db = contexts.CreateDbContext();
        var branch = db.Messages
            .Where(message => message.SessionId == sessionId && message.IsOnBranch && message.Position < before)
            .OrderByDescending(message => message.Position);
        var latest = branch.Where(message => message.Content != "").Take(messages);
        var rows = await (
            from session in db.Sessions
            where session.Id == sessionId && session.UserId == userId
            from message in latest.DefaultIfEmpty()
            select new
            {
                session.LastPosition,
                session.Settings,
                IsUntitled = !session.IsTitleChosen && session.Title == SessionService.DefaultTitle,
                LastId = branch.Select(last => (Guid?)last.Id).FirstOrDefault(),
                Id = (Guid?)message.Id,
                Position = (int?)message.Position,
                Role = (MessageRole?)message.Role,
                message.Content,
            })
            .ToListAsync(cancellationToken);
        return rows.Count == 0
            ? null
            : new(
                rows[0].LastPosition, rows[0].Settings, rows[0].LastId,
                [.. rows.Where(row => row.Id is not null).OrderBy(row => row.Position).Select(row => new Utterance(row.Id!.Value, row.Role!.Value, row.Content))])
            {
                IsUntitled = rows[0].IsUntitled,
            };
    }

    /// <summary>Only reads: in a file of its own, a round trip costs little.</summary>
    public Task<Conversation?> ReadAndStartAsync(NewTurn turn, int messages, int room) =>
        ReadAsync(turn.Run.UserId, turn.Run.SessionId, int.MaxValue, messages, CancellationToken.None);

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
                if (turn.LeavesBranchAfter is { } position)
                    await LeaveBranchAsync(db, turn.First, position);
                if (!turn.IsAnswerAnew)
                    db.Messages.Add(turn.Question);
                db.Messages.Add(turn.Reply);
                db.Runs.Add(turn.Run);
                await db.SaveChangesAsync(CancellationToken.None);
            },
            CancellationToken.None);
    }

    public async Task EndAsync(Run run, ChatMessage reply, bool isKept, Guid? shownBefore)
    {
        // SQLite's calls only look as if they waited without a thread.
        await PollingThread.LeaveAsync();
        await using var db = contexts.CreateDbContext();
        await db.InTransactionAsync(
            async () =>
            {
                // The conversation first, as at the start of a turn: two that took them in another order would wait for each other.
                var isLeft = !isKept && reply.HasSiblings;
                if (isLeft)
                    await Branches.TakePlaceAsync(db.Sessions.IgnoreQueryFilters(), run.SessionId, run.EndedAt!.Value, CancellationToken.None);
                var row = db.Runs.Attach(run);
                row.Property(stored => stored.Status).OriginalValue = RunStatus.Running;
                row.Property(stored => stored.Status).IsModified = true;
                row.Property(stored => stored.ErrorCode).IsModified = true;
                row.Property(stored => stored.EndedAt).IsModified = true;
                row.Property(stored => stored.Pieces).IsModified = true;
                row.Property(stored => stored.PieceLengths).IsModified = true;
                if (!isKept)
                {
                    if (isLeft)
                        await Branches.LeaveAsync(db, reply, shownBefore, CancellationToken.None);
                    db.Messages.Remove(reply);
                    await db.SaveChangesAsync(CancellationToken.None);
                    return;
                }

                var message = db.Messages.Attach(reply);
                message.Property(stored => stored.Content).IsModified = true;
                message.Property(stored => stored.Status).IsModified = true;
                message.Property(stored => stored.FinishReason).IsModified = true;
                message.Property(stored => stored.Model).IsModified = true;
                message.ComplexProperty(stored => stored.Usage).IsModified = true;
                await db.SaveChangesAsync(CancellationToken.None);
                await db.AddUsageAsync(DailyUsage.Of(run.UserId, run.CreatedAt, reply.Model, reply.Usage!), CancellationToken.None);
            },
            CancellationToken.None);
    }

    /// <summary>Before anything refers to the conversation: it may be gone.</summary>
    private static async Task MoveOnAsync(TContext db, NewTurn turn)
    {
        var (last, next, now) = (turn.LastPosition, turn.Reply.Position, turn.Run.CreatedAt);
        var moved = await db.Sessions
            .Where(session => session.Id == turn.Run.SessionId && session.UserId == turn.Run.UserId && session.LastPosition == last)
            .ExecuteUpdateAsync(set => set
                .SetProperty(session => session.LastPosition, next)
                .SetProperty(session => session.UpdatedAt, now)
                .SetProperty(session => session.LastMessageAt, now));
        if (moved == 0)
            throw new DbUpdateConcurrencyException("The conversation is not as it was read.");
    }

    /// <summary>The branch goes on with what is new; what followed the same message until now is its sibling.</summary>
    private static async Task LeaveBranchAsync(TContext db, ChatMessage first, int position)
    {
        var messages = db.Messages.Where(message => message.SessionId == first.SessionId && message.Position > position);
        await messages.Where(message => message.IsOnBranch)
            .ExecuteUpdateAsync(set => set.SetProperty(message => message.IsOnBranch, false));
        await messages.Where(message => message.ParentId == first.ParentId && !message.HasSiblings)
            .ExecuteUpdateAsync(set => set.SetProperty(message => message.HasSiblings, true));

        // A question that is edited keeps its name for its client: the one that was there is known by its id from now on.
        if (first is { Role: MessageRole.User, ClientId: { } name })
            await db.Messages.Where(message => message.SessionId == first.SessionId && message.ClientId == name)
                .ExecuteUpdateAsync(set => set.SetProperty(message => message.ClientId, (string?)null));
    }
}
