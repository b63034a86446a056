using System.Runtime.CompilerServices;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Runs;

/// <summary>Where a viewer left off.</summary>
/// <param name="RunId">The run it was watching.</param>
/// <param name="After">The <c>seq</c> of the last event it has; 0 for none.</param>
public sealed record RunCursor(Guid RunId, int After);

/// <summary>A run as a viewer sees it.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Events">What comes, down to the terminal event; read once.</param>
public sealed record RunView(Guid RunId, IAsyncEnumerable<RunEvent> Events)
{
    internal static RunView Of(ActiveRun run) => new(run.Run.Id, FromStart(run));

    private static async IAsyncEnumerable<RunEvent> FromStart(
        ActiveRun run, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        yield return RunEvents.Started(run.Run);
        await foreach (var item in run.Log.ReadAsync(0, cancellationToken))
            yield return item;
    }
}

/// <summary>Lets a viewer come back to a run, while it is made or after its end.</summary>
public sealed class RunWatcher(IChatDbContextFactory contexts, RunExecutor executor, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    /// <summary>The session's run from its beginning, or what comes after a cursor.</summary>
    /// <returns>Null if nothing runs, or if nothing comes after the cursor.</returns>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="InvalidRequestException"><c>invalid_event_id</c>: the cursor is none of this session's.</exception>
    public async Task<RunView?> OpenAsync(Guid userId, Guid sessionId, RunCursor? cursor, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        if (!await db.Sessions.AnyAsync(session => session.Id == sessionId && session.UserId == userId, cancellationToken))
            throw new NotFoundException();
        if (cursor is null)
        {
            var running = await db.Runs.SingleOrDefaultAsync(
                row => row.SessionId == sessionId && row.Status == RunStatus.Running, cancellationToken);
            if (running is null)
                return null;

            // The token of whoever reads the events counts, not the one of this call.
            return executor.Find(running.Id) is { } here
                ? RunView.Of(here)
                : new(running.Id, FollowAsync(running, 0, CancellationToken.None));
        }

        var run = await db.Runs.SingleOrDefaultAsync(row => row.Id == cursor.RunId && row.SessionId == sessionId, cancellationToken)
            ?? throw InvalidEventId();
        if (executor.Find(run.Id) is { } active)
        {
            if (cursor.After > active.Log.Pieces)
                throw InvalidEventId();
            return new(run.Id, active.Log.ReadAsync(cursor.After, CancellationToken.None));
        }

        if (run.Status != RunStatus.Running && cursor.After > run.Pieces)
            return cursor.After == run.Pieces + 1 ? null : throw InvalidEventId();
        return new(run.Id, FollowAsync(run, cursor.After, CancellationToken.None));
    }

    private static InvalidRequestException InvalidEventId() =>
        new(ErrorCodes.InvalidEventId, "The event id is none of this conversation's.");

    /// <summary>Waits for the end of a run that another process makes, and tells all of it then.</summary>
    private async IAsyncEnumerable<RunEvent> FollowAsync(
        Run run, int after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (after == 0)
            yield return RunEvents.Started(run);
        var current = run;
        ChatMessage? reply = null;
        while (current is { Status: RunStatus.Running })
        {
            await Task.Delay(Poll, time, cancellationToken);
            await using var db = contexts.Create();
            current = await db.Runs.SingleOrDefaultAsync(row => row.Id == run.Id, cancellationToken);
        }

        if (current is null)
        {
            yield return RunEvents.Unstored(run);
            yield break;
        }

        await using (var db = contexts.Create())
            reply = await db.Messages.SingleOrDefaultAsync(row => row.Id == current.MessageId, cancellationToken);
        foreach (var item in RunEvents.Replay(current, reply, after))
            yield return item;
    }
}
