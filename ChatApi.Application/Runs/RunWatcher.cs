using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Telemetry;
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
/// <param name="IsReplay">Whether the request that led here only repeats the one that started the run.</param>
public sealed record RunView(Guid RunId, IAsyncEnumerable<RunEvent> Events, bool IsReplay = false);

/// <summary>
/// Shows runs: those made here from memory, those made by other processes through <see cref="RunMirrors"/>, and those that
/// have ended from what is stored. A viewer sees the same text whichever it is.
/// </summary>
public sealed class RunWatcher(IChatDbContextFactory contexts, RunExecutor executor, RunMirrors mirrors)
{
    /// <summary>The session's run from its beginning, or what comes after a cursor.</summary>
    /// <returns>Null if nothing runs, or if nothing comes after the cursor.</returns>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="InvalidRequestException"><c>invalid_event_id</c>: the cursor is none of this session's.</exception>
    public async Task<RunView?> OpenAsync(Guid userId, Guid sessionId, RunCursor? cursor, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        if (!await db.Sessions.AnyAsync(session => session.Id == sessionId && session.UserId == userId, cancellationToken))
            throw new NotFoundException();
        var runs = db.Runs.Where(row => row.SessionId == sessionId);
        if (cursor is null)
            return await runs.SingleOrDefaultAsync(row => row.Status == RunStatus.Running, cancellationToken) is { } running
                ? Resumed(new(running.Id, FromStart(running)))
                : null;

        var run = await runs.SingleOrDefaultAsync(row => row.Id == cursor.RunId, cancellationToken) ?? throw InvalidEventId();
        var last = run.Status == RunStatus.Running ? int.MaxValue : RunEvents.TerminalSeq(run);
        if (cursor.After > last || executor.Find(run.Id) is { } active && cursor.After > active.Log.Pieces)
            throw InvalidEventId();
        return cursor.After == last ? null : Resumed(new(run.Id, Continue(run, cursor.After)));
    }

    /// <summary>All of a run that has been started, or was before.</summary>
    internal RunView View(StartedRun started) => new(started.Run.Id, FromStart(started.Run), started.IsReplay);

    /// <summary>All of a run.</summary>
    internal IAsyncEnumerable<RunEvent> FromStart(Run run) => new StartThen(run, Continue(run, 0));

    private static RunView Resumed(RunView view)
    {
        RunTelemetry.NoteResumed();
        return view;
    }

    private static InvalidRequestException InvalidEventId() =>
        new(ErrorCodes.InvalidEventId, "The event id is none of this conversation's.");

    /// <summary>What comes after so many pieces. The token of whoever reads the events counts, not the one of the call that opens them.</summary>
    private IAsyncEnumerable<RunEvent> Continue(Run run, int after) => executor.Find(run.Id) is { } active
        ? active.Log.Read(after)
        : run.Status == RunStatus.Running
            ? mirrors.FollowAsync(run, after)
            : ReplayAsync(run, after);

    private async IAsyncEnumerable<RunEvent> ReplayAsync(Run run, int after)
    {
        ChatMessage? reply;
        await using (var db = contexts.Create())
            reply = await db.Messages.SingleOrDefaultAsync(row => row.Id == run.MessageId);
        foreach (var item in RunEvents.Replay(run, reply, after))
            yield return item;
    }

    /// <summary>The start of a run, and then the rest, which costs an event no state machine more, as <c>yield</c> would.</summary>
    private sealed class StartThen(Run run, IAsyncEnumerable<RunEvent> rest) : IAsyncEnumerable<RunEvent>
    {
        public IAsyncEnumerator<RunEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            new Enumerator(RunEvents.Started(run), rest.GetAsyncEnumerator(cancellationToken));

        private sealed class Enumerator(RunEvent.Started start, IAsyncEnumerator<RunEvent> rest) : IAsyncEnumerator<RunEvent>
        {
            private int _steps;

            public RunEvent Current => _steps == 1 ? start : rest.Current;

            public ValueTask<bool> MoveNextAsync() => ++_steps == 1 ? new(true) : rest.MoveNextAsync();

            public ValueTask DisposeAsync() => rest.DisposeAsync();
        }
    }
}
