using System.Runtime.CompilerServices;
using ChatApi.Application.Abstractions;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Runs;

/// <summary>
/// Follows the runs that other processes make, as long as somebody watches them here: one mirror a run, whatever the number of
/// its viewers, and one look for all mirrors together.
/// </summary>
public sealed partial class RunMirrors(
    IChatDbContextFactory contexts,
    IRunJournal journal,
    IRunSignals signals,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<RunMirrors> logger) : BackgroundService
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPauseWithSignals = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Mirror> _mirrors = [];
    private TaskCompletionSource _news = NewSignal();
    private bool _isFailing;

    /// <summary>How many there are.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _mirrors.Count;
        }
    }

    /// <summary>What a run says after the first <paramref name="after"/> pieces, down to its end; nothing more once this process stops.</summary>
    internal async IAsyncEnumerable<RunEvent> FollowAsync(
        Run run, int after, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // The run goes on elsewhere when this process stops: its viewers are let go without an end, and come back elsewhere.
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        var mirror = Join(run);
        try
        {
            await using var events = mirror.Log.Read(after).GetAsyncEnumerator(leaving.Token);
            while (await MoveNextAsync(events, cancellationToken))
                yield return events.Current;
        }
        finally
        {
            Leave(mirror);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        signals.Advanced += OnAdvanced;
        var pause = ShortestPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var news = await NewsAsync(stoppingToken);
                var found = await LookAsync(CancellationToken.None); // PollingThread says why no statement is cancelled.
                _isFailing = false;
                var longest = signals.AreArriving ? LongestPauseWithSignals : LongestPause;
                pause = found ? ShortestPause : TimeSpan.FromTicks(Math.Min(pause.Ticks * 3 / 2, longest.Ticks));
                if (!signals.AreArriving)
                    await Task.Delay(pause, time, stoppingToken);
                else
                    await Task.WhenAny(news, Task.Delay(pause, time, stoppingToken));
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The next look tries again: viewers wait for as long as the run is not known to have ended.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (!_isFailing)
                    LogFailed(exception);
                _isFailing = true;
                await Task.Delay(LongestPauseWithSignals, time, CancellationToken.None);
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<RunEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private Mirror Join(Run run)
    {
        lock (_gate)
        {
            if (!_mirrors.TryGetValue(run.Id, out var mirror))
                _mirrors[run.Id] = mirror = new Mirror(run, time);
            mirror.Viewers++;
            _news.TrySetResult();
            return mirror;
        }
    }

    private void Leave(Mirror mirror)
    {
        lock (_gate)
        {
            if (--mirror.Viewers == 0 && _mirrors.GetValueOrDefault(mirror.Run.Id) == mirror)
                _mirrors.Remove(mirror.Run.Id);
        }
    }

    private void OnAdvanced(Guid runId)
    {
        lock (_gate)
        {
            if (_mirrors.ContainsKey(runId))
                _news.TrySetResult();
        }
    }

    /// <summary>Waits until there is a mirror, and arms the signal for the next news.</summary>
    private async Task<Task> NewsAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task news;
            lock (_gate)
            {
                if (_news.Task.IsCompleted)
                    _news = NewSignal();
                news = _news.Task;
                if (_mirrors.Count > 0)
                    return news;
            }

            await news.WaitAsync(cancellationToken);
        }
    }

    private async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        List<Mirror> mirrors;
        lock (_gate)
            mirrors = [.. _mirrors.Values];
        var found = false;
        var byRun = mirrors.ToDictionary(mirror => mirror.Run.Id);
        foreach (var entry in await journal.ReadAsync([.. mirrors.Select(mirror => new RunCursor(mirror.Run.Id, mirror.Log.Pieces))], cancellationToken))
            found |= byRun[entry.RunId].Log.Append(entry);

        await using var db = contexts.Create();
        var ids = byRun.Keys.ToList();
        var stored = await db.Runs.Where(run => ids.Contains(run.Id)).Select(run => new { run.Id, run.Status })
            .ToDictionaryAsync(run => run.Id, run => run.Status, cancellationToken);
        foreach (var mirror in mirrors.Where(mirror => stored.GetValueOrDefault(mirror.Run.Id, RunStatus.Interrupted) != RunStatus.Running))
        {
            await EndAsync(db, mirror, cancellationToken);
            found = true;
        }

        return found;
    }

    private async Task EndAsync(IChatDbContext db, Mirror mirror, CancellationToken cancellationToken)
    {
        var run = await db.Runs.SingleOrDefaultAsync(row => row.Id == mirror.Run.Id, cancellationToken);
        var reply = await db.Messages.SingleOrDefaultAsync(row => row.Id == mirror.Run.MessageId, cancellationToken);
        lock (_gate)
            _mirrors.Remove(mirror.Run.Id);
        try
        {
            if (run is not null && reply is not null && run.PieceLengths is { } lengths)
                mirror.Log.Append(new JournalEntry(run.Id, run.Fence, 0, run.Pieces, reply.Content, lengths));
        }
        finally
        {
            // Nobody looks at this mirror again: whatever happened, its viewers have to be told.
            mirror.Log.End(run is null ? RunEvents.Deleted(mirror.Run) : RunEvents.Terminal(run, reply));
        }
    }

    [LoggerMessage(LogLevel.Warning, "The replies that other processes make could not be followed; it is tried again")]
    private partial void LogFailed(Exception exception);

    private sealed class Mirror(Run run, TimeProvider time)
    {
        public Run Run { get; } = run;

        public RunLog Log { get; } = new(time);

        public int Viewers { get; set; }
    }
}
