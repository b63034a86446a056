using ChatApi.Application.Abstractions;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace ChatApi.Infrastructure.Journal;

/// <summary>Signals through Redis's channels. They carry ids of runs and nothing else.</summary>
internal sealed class RedisRunSignals(IConnectionMultiplexer redis) : IRunSignals, IHostedService
{
    private const int IdLength = 16;
    private static readonly RedisChannel StopChannel = RedisChannel.Literal("chatapi:stop");
    private static readonly RedisChannel AdvanceChannel = RedisChannel.Literal("chatapi:advance");

    public event Action<Guid>? StopRequested;

    public event Action<Guid>? Advanced;

    public bool AreArriving => redis.GetSubscriber().IsConnected(AdvanceChannel);

    public void RequestStop(Guid runId) => Publish(StopChannel, [runId]);

    public void Advance(IReadOnlyCollection<Guid> runIds) => Publish(AdvanceChannel, runIds);

    /// <summary>Does not wait: where Redis is away the subscription is made when it comes.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var subscriber = redis.GetSubscriber();
        _ = subscriber.SubscribeAsync(StopChannel, (_, message) => Tell(StopRequested, message), CommandFlags.FireAndForget);
        _ = subscriber.SubscribeAsync(AdvanceChannel, (_, message) => Tell(Advanced, message), CommandFlags.FireAndForget);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static void Tell(Action<Guid>? listeners, RedisValue message)
    {
        ReadOnlySpan<byte> ids = (byte[]?)message;
        for (; ids.Length >= IdLength; ids = ids[IdLength..])
            listeners?.Invoke(new Guid(ids[..IdLength]));
    }

    private void Publish(RedisChannel channel, IReadOnlyCollection<Guid> runIds)
    {
        var message = new byte[runIds.Count * IdLength];
        var index = 0;
        foreach (var runId in runIds)
            runId.TryWriteBytes(message.AsSpan(index++ * IdLength));
        redis.GetSubscriber().Publish(channel, message, CommandFlags.FireAndForget);
    }
}
