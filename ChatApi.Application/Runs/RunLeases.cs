using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Runs;

/// <summary>
/// Keeps the leases of this process's runs, sees who asked for them to stop, and ends the runs of processes that are gone.
/// All times of leases are the database's, so that no two clocks are compared.
/// </summary>
public sealed partial class RunLeases(
    IChatDbContextFactory contexts, RunExecutor executor, TimeProvider time, ILogger<RunLeases> logger) : BackgroundService
{
    /// <summary>How long an owner may be silent. With the time between two looks it stays under the 30 s that are promised.</summary>
    public const int LeaseSeconds = 20;

    private const int TicksPerRenewal = 5;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Goes on while the process drains: runs that are given time to finish keep their leases.
        using var timer = new PeriodicTimer(Tick, time);
        for (var tick = 0; !stoppingToken.IsCancellationRequested; tick++)
        {
            try
            {
                if (executor.Active.Any())
                    await HeedStopsAsync(stoppingToken);
                if (tick % TicksPerRenewal == 0)
                {
                    if (executor.Active.Any())
                        await RenewAsync(stoppingToken);
                    await EndExpiredAsync(stoppingToken);
                }

                await timer.WaitForNextTickAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The next tick tries again; nothing else keeps the leases.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogFailed(exception);
                await timer.WaitForNextTickAsync(CancellationToken.None);
            }
        }
    }

    private async Task HeedStopsAsync(CancellationToken cancellationToken)
    {
        var mine = executor.Active.ToList();
        await using var db = contexts.Create();
        var stored = await db.Runs
            .Where(run => run.Owner == executor.Owner && run.Status == RunStatus.Running)
            .Select(run => new { run.Id, run.StopRequested })
            .ToDictionaryAsync(run => run.Id, run => run.StopRequested, cancellationToken);

        // A run that is not there was deleted with its session, or ended by somebody who took this process for dead.
        foreach (var run in mine.Where(run => stored.GetValueOrDefault(run.Run.Id, true)))
            run.Cancel(RunStatus.Stopped);
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        await db.Runs
            .Where(run => run.Owner == executor.Owner && run.Status == RunStatus.Running)
            .ExecuteUpdateAsync(
                set => set.SetProperty(run => run.LeaseExpiresAt, _ => DateTime.UtcNow.AddSeconds(LeaseSeconds)), cancellationToken);
    }

    private async Task EndExpiredAsync(CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var expired = await db.Runs
            .Where(run => run.Status == RunStatus.Running && run.LeaseExpiresAt < DateTime.UtcNow)
            .Select(run => new { run.Id, run.MessageId })
            .ToListAsync(cancellationToken);
        foreach (var run in expired)
            await db.InTransactionAsync(() => EndAsync(db, run.Id, run.MessageId, cancellationToken), cancellationToken);
    }

    private async Task EndAsync(IChatDbContext db, Guid runId, Guid messageId, CancellationToken cancellationToken)
    {
        var ended = await db.Runs
            .Where(run => run.Id == runId && run.Status == RunStatus.Running && run.LeaseExpiresAt < DateTime.UtcNow)
            .ExecuteUpdateAsync(
                set => set
                    .SetProperty(run => run.Status, RunStatus.Interrupted)
                    .SetProperty(run => run.ErrorCode, ErrorCodes.Interrupted)
                    .SetProperty(run => run.EndedAt, time.Now()),
                cancellationToken);
        if (ended == 0)
            return;
        await db.Messages.Where(message => message.Id == messageId).ExecuteDeleteAsync(cancellationToken);
        LogEnded(runId);
    }

    [LoggerMessage(LogLevel.Warning, "Run {RunId} was ended as interrupted: the process that made it is gone")]
    private partial void LogEnded(Guid runId);

    [LoggerMessage(LogLevel.Warning, "The leases of runs could not be seen to")]
    private partial void LogFailed(Exception exception);
}
