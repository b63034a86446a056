using System.Threading.RateLimiting;
using ChatApi.Application.Errors;

namespace ChatApi.Application.Limits;

/// <summary>
/// Counts what users and addresses do, in this process. Windows are one minute; those of users that are gone are dropped.
/// </summary>
public sealed class RateLimits(LimitOptions options) : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RunPause = TimeSpan.FromSeconds(2);

    private readonly PartitionedRateLimiter<string> _requests = PerMinute(options.RequestsPerMinute);
    private readonly PartitionedRateLimiter<string> _turns = PerMinute(options.TurnsPerMinute);
    private readonly PartitionedRateLimiter<string> _signIns = PerMinute(options.SignInsPerMinute);
    private readonly PartitionedRateLimiter<Guid> _runs = PartitionedRateLimiter.Create<Guid, Guid>(user => options.ConcurrentRuns == 0
        ? RateLimitPartition.GetNoLimiter(user)
        : RateLimitPartition.GetConcurrencyLimiter(user, _ => new() { PermitLimit = options.ConcurrentRuns }));

    /// <summary>Counts a request.</summary>
    /// <param name="who">The user, or the address where nobody is signed in.</param>
    /// <exception cref="RateLimitedException">It is one too many.</exception>
    public void TakeRequest(string who) => Take(_requests, who, "Too many requests; please wait a moment.");

    /// <summary>Counts a question.</summary>
    /// <exception cref="RateLimitedException">It is one too many.</exception>
    public void TakeTurn(Guid userId) => Take(_turns, userId.ToString(), "Too many messages; please wait a moment.");

    /// <summary>Counts an attempt to sign in.</summary>
    /// <param name="address">The network address it comes from.</param>
    /// <param name="account">The account it is for.</param>
    /// <exception cref="RateLimitedException">It is one too many, for either.</exception>
    public void TakeSignIn(string address, string account)
    {
        const string Sentence = "Too many attempts to sign in; please wait a moment.";
        Take(_signIns, "address " + address, Sentence);
        Take(_signIns, "account " + account, Sentence);
    }

    /// <summary>Takes the place of a reply in the making; disposing of it gives the place back.</summary>
    /// <exception cref="RateLimitedException">All of the user's places are taken.</exception>
    public IDisposable TakeRun(Guid userId)
    {
        var lease = _runs.AttemptAcquire(userId);
        if (lease.IsAcquired)
            return lease;
        lease.Dispose();
        throw new RateLimitedException("Too many replies are being made at the same time; please wait for one.") { RetryAfter = RunPause };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _requests.Dispose();
        _turns.Dispose();
        _signIns.Dispose();
        _runs.Dispose();
    }

    private static PartitionedRateLimiter<string> PerMinute(int limit) => PartitionedRateLimiter.Create<string, string>(key => limit == 0
        ? RateLimitPartition.GetNoLimiter(key)
        : RateLimitPartition.GetFixedWindowLimiter(key, _ => new() { PermitLimit = limit, Window = Window }));

    private static void Take(PartitionedRateLimiter<string> limiter, string key, string sentence)
    {
        using var lease = limiter.AttemptAcquire(key);
        if (!lease.IsAcquired)
            throw new RateLimitedException(sentence) { RetryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : Window };
    }
}
