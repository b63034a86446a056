using System.Diagnostics.Metrics;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Runs;

/// <summary>
/// Writes what all replies in the making here have said to the journal, together and several times a second: the number of
/// writes does not grow with the number of replies. Nobody waits for it; a database that is away is written to when it is back.
/// </summary>
public sealed partial class RunJournalWriter(
    IRunJournal journal, IRunSignals signals, RunExecutor executor, RunLeases leases, TimeProvider time, ILogger<RunJournalWriter> logger)
    : BackgroundService
{
    private static readonly Histogram<double> WriteDuration = ChatApiTelemetry.Meter.CreateHistogram(
        "chatapi.journal.write.duration", "s", "One write of all that was said to the journal.", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
        });

    private readonly HashSet<Guid> _ended = [];
    private bool _isFailing;
    private long _completeAt = time.GetTimestamp();

    /// <summary>How many pieces are to be journalled.</summary>
    internal int Backlog => executor.Active.Sum(run => Math.Max(0, run.Log.Pieces - run.Journalled));

    /// <summary>For how long at most something that was said has not been in the journal; zero if all is.</summary>
    internal TimeSpan Lag => Backlog == 0 ? TimeSpan.Zero : time.GetElapsedTime(Volatile.Read(ref _completeAt));

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Goes on while the process drains, and once more at the end.
        using var timer = new PeriodicTimer(journal.Interval, time);
        for (var isLast = false; !isLast;)
        {
            try
            {
                isLast = !await timer.WaitForNextTickAsync(stoppingToken);
            }
            catch (OperationCanceledException)
            {
                isLast = true;
            }

            try
            {
                await WriteAsync(CancellationToken.None);
                await RemoveEndedAsync(CancellationToken.None);
                _isFailing = false;
            }
#pragma warning disable CA1031 // The next tick tries again, with all that has been said until then.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (!_isFailing)
                    LogFailed(exception);
                _isFailing = true;
            }
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var looked = time.GetTimestamp();
        var active = executor.Active;
        var runs = new List<ActiveRun>(active.Count);
        var entries = new List<JournalEntry>(active.Count);
        foreach (var run in active)
        {
            if (run.Log.Since(run.Journalled, run.Run.Id, run.Run.Fence) is not { } entry)
                continue;
            run.IsInJournal = true;
            runs.Add(run);
            entries.Add(entry);
        }

        if (entries.Count == 0)
        {
            Volatile.Write(ref _completeAt, looked);
            return;
        }

        var kept = await AppendAsync(entries, cancellationToken);
        for (var index = 0; index < runs.Count; index++)
            runs[index].Journalled = kept.Contains(runs[index].Run.Id) ? entries[index].After + entries[index].Pieces : 0;
        if (kept.Count > 0)
            signals.Advance(kept);

        // Which of the others are still this process's is for the leases to find out; those are written again, whole.
        if (kept.Count < runs.Count)
            await leases.ConfirmAsync(cancellationToken);
        else
            Volatile.Write(ref _completeAt, looked);
    }

    private async Task<IReadOnlySet<Guid>> AppendAsync(List<JournalEntry> entries, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        try
        {
            var kept = await journal.AppendAsync(entries, cancellationToken);
            WriteDuration.Record(time.GetElapsedTime(started).TotalSeconds);
            return kept;
        }
        catch (Exception exception)
        {
            WriteDuration.Record(
                time.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("error.type", exception.GetType().FullName));
            throw;
        }
    }

    private async Task RemoveEndedAsync(CancellationToken cancellationToken)
    {
        while (executor.TryTakeEnded(out var runId))
            _ended.Add(runId);
        await journal.RemoveAsync(_ended, cancellationToken);
        if (_ended.Count == 0)
            return;
        signals.Advance(_ended);
        _ended.Clear();
    }

    [LoggerMessage(LogLevel.Warning, "Replies in the making could not be journalled; they go on, and it is tried again")]
    private partial void LogFailed(Exception exception);
}
