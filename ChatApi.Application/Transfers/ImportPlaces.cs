using System.Collections.Concurrent;
using ChatApi.Application.Errors;

namespace ChatApi.Application.Transfers;

/// <summary>An import is held in memory until it is stored: a process makes few at a time, and one for a user.</summary>
public sealed class ImportPlaces : IDisposable
{
    private const int Places = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _places = new(Places, Places);
    private readonly ConcurrentDictionary<Guid, bool> _users = new();

    /// <summary>Waits for a place; to be disposed of at the end of the import.</summary>
    /// <exception cref="RateLimitedException">The user has one already, or none comes free.</exception>
    public async Task<IDisposable> TakeAsync(Guid userId, CancellationToken cancellationToken)
    {
        if (!_users.TryAdd(userId, true))
            throw new RateLimitedException("An import of yours is still being made; please wait for it.") { RetryAfter = Pause };
        try
        {
            if (await _places.WaitAsync(Patience, cancellationToken))
                return new Place(this, userId);
            throw new RateLimitedException("Too many imports are being made at the same time; please try again in a moment.") { RetryAfter = Pause };
        }
        catch
        {
            _users.TryRemove(userId, out _);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private sealed class Place(ImportPlaces places, Guid userId) : IDisposable
    {
        public void Dispose()
        {
            places._users.TryRemove(userId, out _);
            places._places.Release();
        }
    }
}
