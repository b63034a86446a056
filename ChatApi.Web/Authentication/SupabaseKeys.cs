using System.Collections.Frozen;
using ChatApi.Application.Accounts;
using Microsoft.IdentityModel.Tokens;

namespace ChatApi.Web.Authentication;

/// <summary>
/// The public keys of the Supabase project. The framework's ConfigurationManager refuses the request that shows it a new key
/// and fetches behind its back, and asks once per request while it has nothing: here a new key is good with its first token,
/// all who wait share one fetch, and what is known goes on while the endpoint is away.
/// </summary>
internal sealed partial class SupabaseKeys(SupabaseOptions supabase, HttpClient http, TimeProvider time, ILogger<SupabaseKeys> logger)
    : IHostedService, IDisposable
{
    /// <summary>Between two fetches, however many tokens name keys that nobody knows.</summary>
    public static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(30);

    /// <summary>Between two tries as long as there never was an answer.</summary>
    public static readonly TimeSpan FirstAnswerInterval = TimeSpan.FromSeconds(5);

    /// <summary>After this keys are fetched again while they are in use: a key that was revoked must not be good for ever.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(10);

    public static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private volatile FrozenDictionary<string, SecurityKey>? _keys;
    private Task _fetch = Task.CompletedTask;
    private DateTimeOffset _notBefore = DateTimeOffset.MinValue;
    private DateTimeOffset _staleAt = DateTimeOffset.MinValue;

    /// <summary>No redirects: a key comes from the project or from nobody.</summary>
    public static HttpClient CreateHttpClient() => new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        AllowAutoRedirect = false,
        UseCookies = false,

        // Nobody's request: it would be a trace of its own, or part of one that happens to come by.
        ActivityHeadersPropagator = null,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = 256 * 1024,
    };

    /// <summary>The key of this id, if it is one for this algorithm.</summary>
    public SecurityKey? Find(string? id, string algorithm) =>
        id is not null && _keys?.GetValueOrDefault(id) is { } key && SupabaseKeySet.AlgorithmOf(key) == algorithm ? key : null;

    /// <summary>Returns when it is known whether there is a key of this id, as far as it can be found out now.</summary>
    public Task PrepareAsync(string id, CancellationToken cancellationToken)
    {
        if (_keys?.ContainsKey(id) != true)
            return Fetch().WaitAsync(cancellationToken);
        if (IsStale())
            Fetch();
        return Task.CompletedTask;
    }

    /// <summary>Fetches the keys ahead of the first token; the start does not wait for it.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Fetch();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _fetch;
    }

    public void Dispose()
    {
        _stopping.Dispose();
        http.Dispose();
    }

    private bool IsStale()
    {
        lock (_gate)
            return time.GetUtcNow() >= _staleAt;
    }

    /// <summary>The fetch under way; a new one if it is time for one.</summary>
    private Task Fetch()
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (!_fetch.IsCompleted || now < _notBefore || _stopping.IsCancellationRequested)
                return _fetch;
            _notBefore = now + (_keys is null ? FirstAnswerInterval : RefreshInterval);
            return _fetch = FetchAsync();
        }
    }

    private async Task FetchAsync()
    {
        // The caller holds the lock.
        await Task.Yield();
        try
        {
            using var timeout = new CancellationTokenSource(FetchTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopping.Token);
            var json = await http.GetStringAsync(new Uri($"{supabase.Issuer}/.well-known/jwks.json"), either.Token);
            Keep(SupabaseKeySet.Read(json));
        }
        catch (Exception exception)
        {
            // Whatever is wrong with it, it is no reason to forget the keys that were good until now.
            if (!_stopping.IsCancellationRequested)
                LogFailed(exception.GetType().Name, _keys?.Count ?? 0);
        }
    }

    private void Keep(FrozenDictionary<string, SecurityKey> keys)
    {
        lock (_gate)
        {
            // The first answer is no refresh: a key that is made right after the start need not wait.
            if (_keys is null)
                _notBefore = DateTimeOffset.MinValue;
            _keys = keys;
            _staleAt = time.GetUtcNow() + MaxAge;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The keys of Supabase Auth could not be fetched ({Reason}); {Count} known ones stay in use")]
    private partial void LogFailed(string reason, int count);
}
