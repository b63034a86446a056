using System.Collections.Concurrent;
using System.Globalization;
using ChatApi.Application;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Limits;
using ChatApi.Infrastructure.Persistence;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace ChatApi.Infrastructure.Limits;

/// <summary>
/// Counts for all processes together, in Redis; in this process as long as Redis does not answer. Replies in the making hold a lease of
/// what they take, so that a process that dies takes nothing with it.
/// </summary>
internal sealed partial class RedisLimitStore(
    IConnectionMultiplexer redis, LocalLimitStore local, StoredUsage usages, TimeProvider time, ILogger<RedisLimitStore> logger)
    : BackgroundService, ILimitStore
{
    /// <summary>A frozen server costs its time limit at each try.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    /// <summary>How often a server is asked that answers too late, 0.4 s each; and how often if it answers others meanwhile.</summary>
    private const int Tries = 3, MostTries = 10;

    private const int MostReservations = 32;

    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(10);
    private static readonly RedisValue Lease = 30_000;
    private static readonly RedisValue Window = (long)Policy.Window.TotalMilliseconds;

    /// <summary>A reply may end the day after.</summary>
    private static readonly RedisValue Day = (long)TimeSpan.FromDays(2).TotalMilliseconds;

    private readonly ConcurrentDictionary<Guid, Hold> _holds = new();

    /// <summary>Whose sums it may not have been told, with the latest reservations: earlier ones end with their leases.</summary>
    private readonly ConcurrentDictionary<(Guid UserId, DateOnly Day), RedisValue[]> _untold = new();
    private long _restingSince;
    private long _answeredAt;

    private IDatabase Database => redis.GetDatabase();

    public async ValueTask<Taking> TakeAsync(IReadOnlyList<Meter> meters, Hold? hold, DateOnly day, long? stored)
    {
        var taking = IsResting() ? null : await TryTakeAsync(meters, hold, day, stored);
        if (taking is null)
            taking = await local.TakeAsync(meters, hold, day, stored);
        else if (taking == Taking.Given && hold is not null)
            local.Adopt(meters, hold, day);
        if (hold is { HasPlace: true } or { Tokens: > 0 })
            _holds[hold.Id] = hold;
        return taking.Value;
    }

    public void Release(Hold hold, int used)
    {
        _holds.TryRemove(hold.Id, out _);
        local.Release(hold, used);
        if (hold.HasPlace)
            Database.SortedSetRemove(Places(hold.UserId), Member(hold.Id), CommandFlags.FireAndForget);
        if (hold.Tokens > 0 && used > 0)
            _ = TellAsync(hold.UserId, hold.Day, [Reservation(hold)]);
        else if (hold.Tokens > 0)
            Database.SortedSetRemove(Reserved(hold.UserId, hold.Day), Reservation(hold), CommandFlags.FireAndForget);
    }

    public void Recount(Guid userId, DateOnly day) => _ = TellAsync(userId, day, [RedisValue.EmptyString]);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Goes on while the process drains, and ends with it.
        using var timer = new PeriodicTimer(Renewal, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (var hold in _holds.Values)
                    Renew(hold);
                await TellUntoldAsync();
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Also what was taken here while Redis was away.</summary>
    private void Renew(Hold hold)
    {
        if (hold.HasPlace)
            Renew(Places(hold.UserId), Member(hold.Id), hold);
        if (hold.Tokens > 0)
            Renew(Reserved(hold.UserId, hold.Day), Reservation(hold), hold);
    }

    private void Renew(RedisKey key, RedisValue member, Hold hold)
    {
        Database.ScriptEvaluate(LimitScripts.Renew, [key], [member, Lease], CommandFlags.FireAndForget);

        // Whoever released it meanwhile may have done so before this: commands arrive in their order.
        if (hold.IsReleased)
            Database.SortedSetRemove(key, member, CommandFlags.FireAndForget);
    }

    private async Task<Taking?> TryTakeAsync(IReadOnlyList<Meter> meters, Hold? hold, DateOnly day, long? stored)
    {
        var tokens = meters.FirstOrDefault(meter => meter.Policy.Kind == PolicyKind.Tokens);

        // Whether it was told of tokens before it fell silent, nobody knows; the database has them all.
        var isDoubtful = tokens is not null && local.IsDoubtful(tokens.Who, day);
        if (isDoubtful && stored is null)
            return Taking.Unknown;
        var (keys, values) = Arguments(meters, hold, day, stored);
        for (var tries = 1; ; tries++)
        {
            var asked = time.GetTimestamp();
            try
            {
                var answer = (long[])(await Database.ScriptEvaluateAsync(LimitScripts.Take, keys, values))!;
                await PollingThread.LeaveAsync();
                Volatile.Write(ref _answeredAt, time.GetTimestamp());
                if (Interlocked.Exchange(ref _restingSince, 0) != 0)
                    LogBack();
                if (isDoubtful)
                    local.Doubt(tokens!.Who, day, false);
                return Read(answer, meters);
            }
            catch (RedisTimeoutException) when (tries < Tries || (tries < MostTries && Volatile.Read(ref _answeredAt) > asked))
            {
                // Late is not away: where each process counted by itself, a budget would be spent as many times. What was taken all the
                // same is not taken twice.
                await PollingThread.LeaveAsync();
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                await PollingThread.LeaveAsync();
                if (Interlocked.Exchange(ref _restingSince, Math.Max(1, time.GetTimestamp())) == 0)
                    LogAway(exception.GetType().Name);
                return null;
            }
        }
    }

    /// <summary>Whether Redis has not answered a moment ago. After that one caller tries it, the others wait for what comes of it.</summary>
    private bool IsResting()
    {
        var since = Volatile.Read(ref _restingSince);
        return since != 0
            && (time.GetElapsedTime(since) < Rest
                || Interlocked.CompareExchange(ref _restingSince, Math.Max(1, time.GetTimestamp()), since) != since);
    }

    /// <summary>
    /// Tells it what the database has now, and not what this reply did cost: whoever made the sum of the database's meanwhile may have counted
    /// that, or not, and what was told too late to be answered is told again.
    /// </summary>
    /// <returns>Whether it says that it was told.</returns>
    private async Task<bool> TellAsync(Guid userId, DateOnly day, RedisValue[] reservations)
    {
        try
        {
            var usage = await usages.ReadAsync(userId, day, CancellationToken.None);
            await Database.ScriptEvaluateAsync(
                LimitScripts.Tell, [Sum(userId, day), Reserved(userId, day)], [usage.TotalTokens, Day, .. reservations]);
            return true;
        }
        catch (Exception exception) when (exception is RedisException || DatabaseErrors.Explain(exception) is not null)
        {
            await PollingThread.LeaveAsync();
            local.Doubt(userId, day, true);
            _untold.AddOrUpdate((userId, day), reservations, (_, others) => [.. reservations.Concat(others).Take(MostReservations)]);
            return false;
        }
    }

    private async Task TellUntoldAsync()
    {
        foreach (var (key, _) in _untold)
            if (_untold.TryRemove(key, out var reservations) && !await TellAsync(key.UserId, key.Day, reservations))
                return;
    }

    private static (RedisKey[] Keys, RedisValue[] Values) Arguments(
        IReadOnlyList<Meter> meters, Hold? hold, DateOnly day, long? stored)
    {
        var keys = new List<RedisKey>(meters.Count + 1);
        var values = new List<RedisValue>(5 + 3 * meters.Count)
        {
            hold is null ? RedisValue.EmptyString : Member(hold.Id), Lease, Window, Day, stored ?? RedisValue.EmptyString,
        };
        for (var index = 0; index < meters.Count; index++)
        {
            var meter = meters[index];
            var kind = meter.Policy.Kind;
            keys.Add(kind switch
            {
                PolicyKind.Window => $"chatapi:limit:{meter.Policy.Name}:{meter.Who:N}",
                PolicyKind.Places => Places(meter.Who),
                _ => Sum(meter.Who, day),
            });
            if (kind == PolicyKind.Tokens)
                keys.Add(Reserved(meter.Who, day));
            values.Add(kind switch { PolicyKind.Window => "w", PolicyKind.Places => "p", _ => "t" });
            values.Add(meter.Policy.Limit);
            values.Add(meter.Cost);
        }

        return ([.. keys], [.. values]);
    }

    private static Taking Read(long[] answer, IReadOnlyList<Meter> meters)
    {
        if (answer[0] < 0)
            return Taking.Unknown;
        for (var index = 0; index < meters.Count; index++)
        {
            var (meter, rest) = (meters[index], answer[2 * index + 2]);
            meter.Used = answer[2 * index + 1];
            if (meter.Policy.Kind == PolicyKind.Tokens)
                meter.Reserved = rest;
            else
                meter.Rest = TimeSpan.FromMilliseconds(rest);
            if (answer[0] == 0)
                meter.Give();
        }

        return answer[0] == 0 ? Taking.Given : Taking.Refused;
    }

    private static RedisKey Places(Guid userId) => $"chatapi:limit:runs:{userId:N}";

    private static RedisKey Sum(Guid userId, DateOnly day) => Key("tokens", userId, day);

    private static RedisKey Reserved(Guid userId, DateOnly day) => Key("reserved", userId, day);

    private static RedisKey Key(string name, Guid userId, DateOnly day) =>
        string.Create(CultureInfo.InvariantCulture, $"chatapi:limit:{name}:{userId:N}:{day:yyyyMMdd}");

    private static RedisValue Member(Guid id) => id.ToString("N");

    private static RedisValue Reservation(Hold hold) => string.Create(CultureInfo.InvariantCulture, $"{hold.Id:N}:{hold.Tokens}");

    [LoggerMessage(LogLevel.Warning, "Redis does not answer ({Reason}): limits are counted in this process")]
    private partial void LogAway(string reason);

    [LoggerMessage(LogLevel.Information, "Redis answers again: limits are counted there")]
    private partial void LogBack();
}
