using System.Collections.Concurrent;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Accounts;

/// <summary>
/// Deletes accounts, and knows in memory which were deleted, by whichever process: it is asked at every request, and a database is
/// not. What is new is read every two seconds; what a deletion left, because its process died or a request was still writing, is removed
/// then.
/// </summary>
public sealed partial class DeletedAccounts(
    IChatDbContextFactory contexts, RunService runs, IRunJournal journal, TimeProvider time, ILogger<DeletedAccounts> logger)
    : BackgroundService
{
    /// <summary>How long another process goes on to take the tokens of an account.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How far back each look reaches: longer than any write takes that began before the deletion was known, or than the deletion took
    /// to be committed. Whoever has not looked for half as long looks at everything.
    /// </summary>
    private const int MinutesBack = 5;

    private readonly ConcurrentDictionary<Guid, bool> _known = new();
    private long? _lookedAt;
    private bool _isFailing;

    /// <summary>Whether the account was deleted, as far as this process knows.</summary>
    public bool Contains(Guid userId) => _known.ContainsKey(userId);

    /// <summary>Knows all of them before the first request comes, if the database answers.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryLookAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>
    /// Deletes an account with all that is its own. From the first statement on its tokens are good for nothing, and the deletion is
    /// finished by whichever process lives.
    /// </summary>
    internal async Task AddAsync(Guid userId)
    {
        await using var db = contexts.Create();
        db.DeletedAccounts.Add(new DeletedAccount { UserId = userId });
        await db.SaveChangesAsync(CancellationToken.None);
        _known[userId] = true;

        var abandoned = await runs.AbandonAllAsync(db, userId);
        await EraseAsync(db, db.DeletedAccounts.Where(account => account.UserId == userId), CancellationToken.None);
        if (abandoned.Count > 0)
            await journal.RemoveAsync(abandoned, CancellationToken.None);
        LogDeleted(userId);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await TryLookAsync(CancellationToken.None); // PollingThread says why no statement is cancelled.
        }
        catch (OperationCanceledException)
        {
            // The process stops.
        }
    }

    /// <summary>Messages, runs and journals go with their sessions, those in the trash among them; a process that makes a reply sees that its run is gone, and stops.</summary>
    private static async Task EraseAsync(IChatDbContext db, IQueryable<DeletedAccount> accounts, CancellationToken cancellationToken)
    {
        var ids = accounts.Select(account => account.UserId);
        await db.Users.Where(user => ids.Contains(user.Id)).ExecuteDeleteAsync(cancellationToken);
        await db.Sessions.IgnoreQueryFilters().Where(session => ids.Contains(session.UserId)).ExecuteDeleteAsync(cancellationToken);
        await db.DailyUsages.Where(usage => ids.Contains(usage.UserId)).ExecuteDeleteAsync(cancellationToken);
    }

    private async Task TryLookAsync(CancellationToken cancellationToken)
    {
        try
        {
            await LookAsync(cancellationToken);
            _isFailing = false;
        }
#pragma warning disable CA1031 // The next look tries again, and then looks at everything if it was long.
        catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
        {
            if (!_isFailing)
                LogFailed(exception);
            _isFailing = true;
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var now = time.GetTimestamp();
        await using var db = contexts.Create();
        IQueryable<DeletedAccount> accounts = db.DeletedAccounts;
        if (_lookedAt is { } last && time.GetElapsedTime(last, now).TotalMinutes < MinutesBack / 2.0)
            accounts = accounts.Where(account => account.DeletedAt > DateTime.UtcNow.AddMinutes(-MinutesBack));
        var ids = await accounts.Select(account => account.UserId).ToListAsync(cancellationToken);
        foreach (var id in ids)
            _known[id] = true;
        if (ids.Count > 0)
            await EraseAsync(db, accounts, cancellationToken);
        _lookedAt = now;
    }

    [LoggerMessage(LogLevel.Information, "The account {UserId} was deleted")]
    private partial void LogDeleted(Guid userId);

    [LoggerMessage(LogLevel.Warning, "Which accounts were deleted could not be read; it is tried again")]
    private partial void LogFailed(Exception exception);
}
