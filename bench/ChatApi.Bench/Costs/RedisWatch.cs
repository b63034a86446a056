using System.Globalization;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Costs;

/// <summary>Looks at a Redis again and again: how many journals it holds at most, and what memory these take.</summary>
internal sealed class RedisWatch : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly RedisServer _server;
    private readonly CancellationTokenSource _end = new();
    private readonly double _before;
    private Task _watching = Task.CompletedTask;

    private RedisWatch(RedisServer server, double before)
    {
        _server = server;
        _before = before;
    }

    /// <summary>The most journals at a time.</summary>
    public int Streams { get; private set; }

    /// <summary>What a journal took when there were the most, in bytes: all that Redis has allocated since, its buffers too.</summary>
    public double BytesPerStream { get; private set; }

    public static async Task<RedisWatch> StartAsync(RedisServer server)
    {
        var watch = new RedisWatch(server, await MemoryAsync(server));
        watch._watching = watch.RunAsync();
        return watch;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _watching;
        _end.Dispose();
    }

    private static async Task<double> MemoryAsync(RedisServer server) =>
        RedisCost.Number(await server.CommandAsync("INFO", "memory"), "used_memory:");

    private async Task RunAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            // The number of keys is the number of journals: nothing else is kept there.
            var streams = int.Parse((await _server.CommandAsync("DBSIZE"))[1..], CultureInfo.InvariantCulture);
            // Late rather than early among the equal ones: journals grow.
            if (streams > 0 && streams >= Streams)
                (Streams, BytesPerStream) = (streams, (await MemoryAsync(_server) - _before) / streams);
            await Task.Delay(Look, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
