using System.Collections.Concurrent;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.Telemetry;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Runs;

/// <summary>
/// Ends the runs of processes that are gone, with the text that they journalled. The model is never asked again: whoever asked
/// decides that. Every process looks after all runs; the first to end one wins.
/// </summary>
public sealed partial class RunRecovery(
    IChatDbContextFactory contexts,
    IRunJournal journal,
    IRunSignals signals,
    TurnOptions options,
    ITokenCounter tokens,
    RateLimits limits,
    TimeProvider time,
    ILogger<RunRecovery> logger) : BackgroundService
{
    /// <summary>How long a client may repeat a request under its key.</summary>
    internal static readonly TimeSpan KeyLifetime = TimeSpan.FromHours(24);

    // A lease that expired is ended at the second look: with the 15 s of a lease that is 23 s at the most, and 27 s
    // where the journal could not be read, of the 30 s promised.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(4);
    private const int LooksPerCleaning = 450;
    private const int MostAtOnce = 8;

    /// <summary>
    /// What had expired at the look before. After a time without the database all leases have: their owners, if they live,
    /// get until the next look to renew them. It also leaves their last writes to the journal time to arrive.
    /// </summary>
    private Dictionary<Guid, DateTime> _suspects = [];

    /// <summary>
    /// Runs whose journal could not be read whole: once, they are left for another look. A store that is frozen or restarts has the
    /// text; one that stays away is waited for no longer than viewers are.
    /// </summary>
    private readonly ConcurrentDictionary<Guid, DateTime> _postponed = new();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        for (var look = 0; !stoppingToken.IsCancellationRequested; look++)
        {
            try
            {
                // PollingThread says why no statement is cancelled.
                await EndExpiredAsync(stoppingToken);
                if (look % LooksPerCleaning == 0)
                {
                    await ForgetKeysAsync(CancellationToken.None);
                    await journal.CleanAsync(CancellationToken.None);
                }

                await timer.WaitForNextTickAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The next look tries again; nothing else ends these runs.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogFailed(exception);
                _suspects = [];
                await timer.WaitForNextTickAsync(CancellationToken.None);
            }
        }
    }

    /// <param name="stoppingToken">Begins with no other run.</param>
    private async Task EndExpiredAsync(CancellationToken stoppingToken)
    {
        List<Run> expired;
        await using (var db = contexts.Create())
            expired = await db.Runs
                .Where(run => run.Status == RunStatus.Running && run.LeaseExpiresAt < DateTime.UtcNow)
                .ToListAsync(CancellationToken.None);
        var suspects = _suspects;
        _suspects = expired.ToDictionary(run => run.Id, run => run.LeaseExpiresAt);
        foreach (var id in _postponed.Keys.Where(id => !_suspects.ContainsKey(id)))
            _postponed.TryRemove(id, out _);
        var gone = expired.Where(run => suspects.TryGetValue(run.Id, out var lease) && lease == run.LeaseExpiresAt);
        await Parallel.ForEachAsync(
            gone,
            new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = stoppingToken },
            async (run, _) => await EndAsync(run, CancellationToken.None));
    }

    private async Task EndAsync(Run run, CancellationToken cancellationToken)
    {
        var journalled = await journal.SealAsync(run.Id, run.Fence + 1, cancellationToken);
        if (!journalled.IsWhole && _postponed.TryAdd(run.Id, run.LeaseExpiresAt))
            return;
        var log = new RunLog(time);
        foreach (var entry in journalled.Entries)
            log.Append(entry);
        var (content, ends) = log.Snapshot();
        var end = new End(content, PieceLengths.Encode(ends), ends.Length, await UsageAsync(run, content, cancellationToken));

        await using var db = contexts.Create();
        var reply = await db.Messages.SingleOrDefaultAsync(message => message.Id == run.MessageId, cancellationToken);
        var isEnded = false;
        await db.InTransactionAsync(
            async () => isEnded = await StoreAsync(db, run, reply, end, time.Now(), cancellationToken), cancellationToken);
        if (!isEnded)
            return;
        LogEnded(run.Id, content.Length);
        RunTelemetry.NoteRecovered();
        if (content.Length > 0)
            limits.Recount(run.UserId, run.CreatedAt);
        await journal.RemoveAsync([run.Id], cancellationToken);
        signals.Advance([run.Id]);
    }

    /// <summary>
    /// Where the lease is still an expired one: its owner may have renewed it meanwhile. (Not where it is the same: SQLite's times are
    /// texts, and the one that it writes itself has a zero at its end that a parameter has not.)
    /// </summary>
    private static async Task<bool> StoreAsync(
        IChatDbContext db, Run run, ChatMessage? reply, End end, DateTime now, CancellationToken cancellationToken)
    {
        var isLeft = end.Content.Length == 0 && reply is { HasSiblings: true };
        if (isLeft)
            await Branches.TakePlaceAsync(db.Sessions.IgnoreQueryFilters(), run.SessionId, now, cancellationToken);
        var ended = await db.Runs
            .Where(row => row.Id == run.Id && row.Status == RunStatus.Running && row.Fence == run.Fence && row.LeaseExpiresAt < DateTime.UtcNow)
            .ExecuteUpdateAsync(
                set => set
                    .SetProperty(row => row.Status, RunStatus.Interrupted)
                    .SetProperty(row => row.Fence, run.Fence + 1)
                    .SetProperty(row => row.ErrorCode, ErrorCodes.Interrupted)
                    .SetProperty(row => row.EndedAt, now)
                    .SetProperty(row => row.Pieces, end.Pieces)
                    .SetProperty(row => row.PieceLengths, end.PieceLengths),
                cancellationToken);
        if (ended == 0)
            return false;
        var stored = db.Messages.Where(row => row.Id == run.MessageId);
        if (end.Content.Length == 0)
        {
            if (isLeft)
                await Branches.LeaveAsync(db, reply!, null, cancellationToken);
            await stored.ExecuteDeleteAsync(cancellationToken);
            return true;
        }

        await stored.ExecuteUpdateAsync(
            set => set
                .SetProperty(row => row.Content, end.Content)
                .SetProperty(row => row.Status, RunStatus.Interrupted)
                .SetProperty(row => row.Usage, end.Usage),
            cancellationToken);
        await db.AddUsageAsync(DailyUsage.Of(run.UserId, run.CreatedAt, reply?.Model, end.Usage), cancellationToken);
        return true;
    }

    /// <summary>What it cost, as far as can be told: the provider's figures died with the process.</summary>
    private async Task<TokenUsage> UsageAsync(Run run, string content, CancellationToken cancellationToken)
    {
        if (run.ContextTokens is { } counted)
            return new(counted, tokens.Count(content), true);
        await using var db = contexts.Create();
        var shown = await db.Messages
            .Where(message => message.Id == run.UserMessageId || run.ContextMessageIds.Contains(message.Id))
            .Select(message => message.Content)
            .ToListAsync(cancellationToken);
        var prompt = await db.Sessions
            .IgnoreQueryFilters()
            .Where(session => session.Id == run.SessionId)
            .Select(session => session.Settings)
            .SingleOrDefaultAsync(cancellationToken);
        return new(tokens.Count(prompt?.SystemPrompt ?? options.SystemPrompt) + shown.Sum(tokens.Count), tokens.Count(content), true);
    }

    private async Task ForgetKeysAsync(CancellationToken cancellationToken)
    {
        var before = time.Now() - KeyLifetime;
        await using var db = contexts.Create();
        await db.Runs
            .Where(run => run.IdempotencyKey != null && run.CreatedAt < before)
            .ExecuteUpdateAsync(
                set => set.SetProperty(run => run.IdempotencyKey, (string?)null).SetProperty(run => run.RequestHash, (byte[]?)null), cancellationToken);
    }

    private sealed record End(string Content, byte[] PieceLengths, int Pieces, TokenUsage Usage);

    [LoggerMessage(LogLevel.Warning, "Run {RunId} was ended as interrupted with {Characters} characters: the process that made it is gone")]
    private partial void LogEnded(Guid runId, int characters);

    [LoggerMessage(LogLevel.Warning, "The runs of processes that are gone could not be looked for")]
    private partial void LogFailed(Exception exception);
}
