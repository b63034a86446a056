using ChatApi.Application.Abstractions;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Runs;

/// <summary>
/// Keeps the leases of this process's runs, and sees who asked for them to stop and which are its own no more. All times of
/// leases are the database's, so that no two clocks are compared.
/// </summary>
public sealed partial class RunLeases : BackgroundService
{
    /// <summary>How long an owner may be silent.</summary>
    public const int LeaseSeconds = 15;

    private const int TicksPerRenewal = 8;

    /// <summary>A stop is promised within two seconds, and takes a few round trips beside this.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    private readonly IChatDbContextFactory _contexts;
    private readonly RunExecutor _executor;
    private readonly TimeProvider _time;
    private readonly ILogger<RunLeases> _logger;
    private bool _isFailing;

    /// <summary>Listens to stop signals from the beginning.</summary>
    public RunLeases(
        IChatDbContextFactory contexts, RunExecutor executor, IRunSignals signals, TimeProvider time, ILogger<RunLeases> logger)
    {
        (_contexts, _executor, _time, _logger) = (contexts, executor, time, logger);
        signals.StopRequested += runId => executor.Find(runId)?.Cancel(RunStatus.Stopped);
    }

    /// <summary>Renews all leases, and ends what is here no longer by right.</summary>
    internal async Task ConfirmAsync(CancellationToken cancellationToken)
    {
        // Of what is executed here now: a run whose end could not be stored is given up with its lease.
        await RenewAsync([.. _executor.Active.Select(run => run.Run.Id)], cancellationToken);
        await HeedAsync(cancellationToken);
    }

    /// <summary>Renews the lease of a run that is to be started here.</summary>
    /// <returns>False if somebody else has ended it, or if it was deleted.</returns>
    internal async Task<bool> RenewAsync(Guid runId) => await RenewAsync([runId], CancellationToken.None) == 1;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Goes on while the process drains: runs that are given time to finish keep their leases.
        using var timer = new PeriodicTimer(Tick, _time);
        for (var tick = 0; !stoppingToken.IsCancellationRequested; tick++)
        {
            try
            {
                // PollingThread says why no statement is cancelled.
                if (_executor.Active.Count > 0)
                    await (tick % TicksPerRenewal == 0 ? ConfirmAsync(CancellationToken.None) : HeedAsync(CancellationToken.None));
                _isFailing = false;
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
                if (!_isFailing)
                    LogFailed(exception);
                _isFailing = true;
                tick = -1;
                await timer.WaitForNextTickAsync(CancellationToken.None);
            }
        }
    }

    private async Task<int> RenewAsync(List<Guid> runIds, CancellationToken cancellationToken)
    {
        await using var db = _contexts.Create();
        return await db.Runs
            .Where(run => runIds.Contains(run.Id) && run.Owner == _executor.Owner && run.Status == RunStatus.Running)
            .ExecuteUpdateAsync(
                set => set.SetProperty(run => run.LeaseExpiresAt, _ => DateTime.UtcNow.AddSeconds(LeaseSeconds)), cancellationToken);
    }

    private async Task HeedAsync(CancellationToken cancellationToken)
    {
        var mine = _executor.Active.ToList();
        await using var db = _contexts.Create();
        var stored = await db.Runs
            .Where(run => run.Owner == _executor.Owner && run.Status == RunStatus.Running)
            .Select(run => new { run.Id, run.StopRequested })
            .ToDictionaryAsync(run => run.Id, run => run.StopRequested, cancellationToken);

        // A run that is not there was deleted with its session, or ended by somebody who took this process for dead.
        foreach (var run in mine.Where(run => stored.GetValueOrDefault(run.Run.Id, true)))
            run.Cancel(RunStatus.Stopped);
    }

    [LoggerMessage(LogLevel.Warning, "The leases of runs could not be seen to")]
    private partial void LogFailed(Exception exception);
}
