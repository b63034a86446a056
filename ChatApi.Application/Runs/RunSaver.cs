using ChatApi.Application.Abstractions;
using ChatApi.Application.Telemetry;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Runs;

/// <summary>
/// Stores the ends of runs. A database that is away is waited for: the reply was paid for. What nobody knows of may pass, too, but is
/// not waited for as long.
/// </summary>
public sealed partial class RunSaver(IChatDbContextFactory contexts, ITurnStore turns, TimeProvider time, ILogger<RunSaver> logger)
{
    private static readonly TimeSpan LongestSave = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestSaveOfUnknown = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestSaveAtShutdown = TimeSpan.FromSeconds(3);

    /// <summary>Stores the end and says what viewers are told; null if it is to be ended from the journal.</summary>
    internal async Task<RunEvent?> SaveAsync(ActiveRun run)
    {
        var started = time.GetTimestamp();
        using var activity = RunTelemetry.StartSave();
        RunEvent? stored = null;
        try
        {
            return stored = await StoreAsync(run);
        }
        finally
        {
            RunTelemetry.EndSave(activity, stored is not null, time.GetElapsedTime(started));
        }
    }

    private async Task<RunEvent?> StoreAsync(ActiveRun run)
    {
        var started = time.GetTimestamp();
        var isOvertaken = false;
        for (var delay = TimeSpan.FromMilliseconds(100); ; delay = delay < TimeSpan.FromSeconds(2) ? delay * 2 : delay)
        {
            try
            {
                if (isOvertaken)
                    return await StoredEndAsync(run);
                await turns.EndAsync(run.Run, run.Reply, run.IsKept, run.ShownBefore);
                return RunEvents.Terminal(run.Run, run.Reply);
            }
            catch (DbUpdateConcurrencyException) when (!isOvertaken)
            {
                // The session was deleted, another process ended the run, or this very save did before its answer was lost.
                LogOvertaken(run.Run.Id);
                isOvertaken = true;
            }
            catch (Exception exception) when (time.GetElapsedTime(started) < LongestSaveOf(run, exception))
            {
                LogSaveDelayed(exception, run.Run.Id);
                await Task.Delay(delay, time, CancellationToken.None);
            }
        }
    }

    private TimeSpan LongestSaveOf(ActiveRun run, Exception exception) =>
        run.EndAs == RunStatus.Interrupted ? LongestSaveAtShutdown
        : contexts.Explain(exception) is null ? LongestSaveOfUnknown
        : LongestSave;

    private async Task<RunEvent?> StoredEndAsync(ActiveRun run)
    {
        await using var db = contexts.Create();
        var stored = await db.Runs.SingleOrDefaultAsync(row => row.Id == run.Run.Id);
        if (stored is null)
        {
            // It was deleted for good, but was paid for all the same. Of an account that is gone nothing is kept.
            if (run.IsKept && !await db.DeletedAccounts.AnyAsync(account => account.UserId == run.Run.UserId))
                await db.AddUsageAsync(DailyUsage.Of(run.Run.UserId, run.Run.CreatedAt, run.Reply.Model, run.Reply.Usage!), CancellationToken.None);
            return RunEvents.Deleted(run.Run);
        }

        if (stored.Status == RunStatus.Running)
            return null;
        return RunEvents.Terminal(stored, await db.Messages.SingleOrDefaultAsync(row => row.Id == run.Run.MessageId));
    }

    [LoggerMessage(LogLevel.Warning, "Run {RunId} waits for the database to store its reply")]
    private partial void LogSaveDelayed(Exception exception, Guid runId);

    [LoggerMessage(LogLevel.Warning, "Run {RunId} was ended by somebody else before it was stored")]
    private partial void LogOvertaken(Guid runId);
}
