using System.Collections.Concurrent;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace ChatApi.Infrastructure.Journal;

/// <summary>
/// Redis as long as it answers, the database where it does not. A run that Redis has failed once is the database's until its
/// end, and is written there from its beginning: so each of the two has a whole beginning, or nothing that counts.
/// </summary>
internal sealed partial class FallbackRunJournal(
    RedisRunJournal redis, IRunJournal database, TimeProvider time, ILogger<FallbackRunJournal> logger) : IRunJournal
{
    /// <summary>A frozen server costs its time limit at each try.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ShortRest = TimeSpan.FromSeconds(1);

    /// <summary>The runs that Redis has failed, and whether the database has their beginning.</summary>
    private readonly ConcurrentDictionary<Guid, bool> _fallen = new();

    /// <summary>The runs that Redis has not been told yet to forget, and since when; what they have said would stay there until it expires.</summary>
    private readonly ConcurrentDictionary<Guid, long> _unremoved = new();
    private long? _restingSince;
    private long? _unreachableSince;

    public TimeSpan Interval => redis.Interval;

    private bool IsResting => _restingSince is { } since && time.GetElapsedTime(since) < Rest;

    public async Task<IReadOnlySet<Guid>> AppendAsync(IReadOnlyList<JournalEntry> entries, CancellationToken cancellationToken)
    {
        var kept = new HashSet<Guid>();
        var open = entries.Where(entry => !_fallen.ContainsKey(entry.RunId)).ToList();
        if (open.Count > 0 && await TryAsync(() => redis.AppendAsync(open, cancellationToken)) is { } written)
            kept.UnionWith(written);
        foreach (var entry in open.Where(entry => !kept.Contains(entry.RunId)))
            _fallen[entry.RunId] = false;

        // What is not kept here is written again from its beginning at the next turn.
        var fallen = entries
            .Where(entry => _fallen.TryGetValue(entry.RunId, out var hasBegun) && (hasBegun || entry.After == 0)).ToList();
        if (fallen.Count == 0)
            return kept;
        foreach (var runId in await database.AppendAsync(fallen, cancellationToken))
        {
            _fallen[runId] = true;
            kept.Add(runId);
        }

        return kept;
    }

    public async Task<IReadOnlyList<JournalEntry>> ReadAsync(IReadOnlyCollection<RunCursor> cursors, CancellationToken cancellationToken)
    {
        var entries = await TryAsync(() => redis.ReadAsync(cursors, cancellationToken)) ?? [];
        var found = entries.Select(entry => entry.RunId).ToHashSet();

        // Which of the two a run is written to is known to its owner alone; a reading from the beginning wants both.
        var others = cursors.Where(cursor => cursor.After == 0 || !found.Contains(cursor.RunId)).ToList();
        return others.Count == 0 ? entries : [.. entries, .. await database.ReadAsync(others, cancellationToken)];
    }

    public async Task<SealedJournal> SealAsync(Guid runId, int fence, CancellationToken cancellationToken)
    {
        // Also while it rests, because what it has is nowhere else; but a frozen server is not asked again for each of many runs.
        var here = await database.SealAsync(runId, fence, cancellationToken);
        if (_unreachableSince is { } since && time.GetElapsedTime(since) < ShortRest)
            return here with { IsWhole = false };
        try
        {
            var there = await redis.SealAsync(runId, fence, cancellationToken);
            return new([.. there.Entries, .. here.Entries]);
        }
        catch (Exception exception) when (IsOfRedis(exception))
        {
            NoteFailure(exception);
            return here with { IsWhole = false };
        }
    }

    public async Task RemoveAsync(IReadOnlyCollection<Guid> runIds, CancellationToken cancellationToken)
    {
        var fallen = runIds.Where(_fallen.ContainsKey).ToList();
        await database.RemoveAsync(fallen, cancellationToken);
        foreach (var runId in fallen)
            _fallen.TryRemove(runId, out _);
        foreach (var runId in runIds)
            _unremoved[runId] = time.GetTimestamp();
        if (_unremoved.IsEmpty || IsResting)
            return;

        var runs = _unremoved.ToArray();
        var isDone = await TryAsync(async () =>
        {
            await redis.RemoveAsync([.. runs.Select(run => run.Key)], cancellationToken);
            return this;
        }) is not null;
        foreach (var run in runs.Where(run => isDone || time.GetElapsedTime(run.Value) > RedisRunJournal.Lifetime))
            _unremoved.TryRemove(run);
    }

    public Task CleanAsync(CancellationToken cancellationToken) => database.CleanAsync(cancellationToken);

    /// <summary>Null if Redis does not answer, or has not done so a moment ago.</summary>
    private async Task<T?> TryAsync<T>(Func<Task<T>> call) where T : class
    {
        if (IsResting)
            return null;
        try
        {
            var answer = await call();
            if (_restingSince is not null)
                LogBack();
            _restingSince = null;
            return answer;
        }
        catch (Exception exception) when (IsOfRedis(exception))
        {
            NoteFailure(exception);
            return null;
        }
    }

    private static bool IsOfRedis(Exception exception) => exception is RedisException or TimeoutException;

    private void NoteFailure(Exception exception)
    {
        if (_restingSince is null)
            LogAway(exception.GetType().Name);
        _restingSince = time.GetTimestamp();
        if (exception is not RedisServerException)
            _unreachableSince = _restingSince;
    }

    [LoggerMessage(LogLevel.Warning, "Redis does not answer as it should ({Reason}): replies in the making are journalled in the database")]
    private partial void LogAway(string reason);

    [LoggerMessage(LogLevel.Information, "Redis answers again: new replies are journalled there")]
    private partial void LogBack();
}
