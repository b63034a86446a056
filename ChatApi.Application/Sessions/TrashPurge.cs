using ChatApi.Application.Abstractions;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Sessions;

/// <summary>
/// Deletes for good what has been in the trash for too long, and shares that have expired, in short transactions. Every process does so; two that meet the same row
/// wait for each other, and the second one finds it gone.
/// </summary>
public sealed partial class TrashPurge(IChatDbContextFactory contexts, TrashOptions options, TimeProvider time, ILogger<TrashPurge> logger)
    : BackgroundService
{
    private const int Batch = 100;

    /// <summary>With how many positions a conversation is so long that it is emptied first: a batch of them would be one long transaction.</summary>
    private const int Long = 100;
    private const int RowsAtOnce = 1000;
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(5);

    /// <summary>Between two batches others get their turn.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        try
        {
            do
                await TryPurgeAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The process stops.
        }
    }

    private async Task TryPurgeAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await PurgeBatchAsync(cancellationToken))
                await Task.Delay(Pause, time, cancellationToken);
            while (await PurgeSharesAsync())
                await Task.Delay(Pause, time, cancellationToken);
        }
#pragma warning disable CA1031 // The next look tries again.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            LogFailed(exception);
        }
    }

    /// <summary>Messages, runs, journals and shares go with their sessions. No statement is cancelled: PollingThread says why.</summary>
    /// <returns>Whether there may be more.</returns>
    private async Task<bool> PurgeBatchAsync(CancellationToken cancellationToken)
    {
        var horizon = options.Horizon(time);
        await using var db = contexts.Create();
        var expired = db.Sessions.IgnoreQueryFilters().Where(session => session.DeletedAt <= horizon);
        var found = await expired
            .OrderBy(session => session.DeletedAt).ThenBy(session => session.Id)
            .Take(Batch)
            .Select(session => new { session.Id, IsLong = session.LastPosition > Long })
            .ToListAsync(CancellationToken.None);
        if (found.Count == 0)
            return false;

        // Where it still is in the trash: it may have been restored meanwhile.
        foreach (var session in found.Where(session => session.IsLong))
            await EmptyAsync(db, expired.Where(row => row.Id == session.Id), cancellationToken);
        var ids = found.Select(session => session.Id).ToList();
        var purged = await expired.Where(session => ids.Contains(session.Id)).ExecuteDeleteAsync(CancellationToken.None);
        if (purged > 0)
            LogPurged(purged);
        return found.Count == Batch;
    }

    private async Task EmptyAsync(IChatDbContext db, IQueryable<ChatSession> expired, CancellationToken cancellationToken)
    {
        var messages =
            from session in expired
            join message in db.Messages on session.Id equals message.SessionId
            orderby message.Position
            select message;
        while (await messages.Take(RowsAtOnce).ExecuteDeleteAsync(CancellationToken.None) == RowsAtOnce)
            await Task.Delay(Pause, time, cancellationToken);
        var runs =
            from session in expired
            join run in db.Runs on session.Id equals run.SessionId
            orderby run.CreatedAt
            select run;
        while (await runs.Take(RowsAtOnce).ExecuteDeleteAsync(CancellationToken.None) == RowsAtOnce)
            await Task.Delay(Pause, time, cancellationToken);
    }

    /// <summary>What has expired opens for nobody; here its text goes, too.</summary>
    /// <returns>Whether there may be more.</returns>
    private async Task<bool> PurgeSharesAsync()
    {
        var now = time.Now();
        await using var db = contexts.Create();
        return await db.Shares.Where(share => share.ExpiresAt <= now)
            .OrderBy(share => share.Id).Take(Batch).ExecuteDeleteAsync(CancellationToken.None) == Batch;
    }

    [LoggerMessage(LogLevel.Information, "{Sessions} sessions were purged from the trash")]
    private partial void LogPurged(int sessions);

    [LoggerMessage(LogLevel.Warning, "The trash could not be purged; it is tried again")]
    private partial void LogFailed(Exception exception);
}
