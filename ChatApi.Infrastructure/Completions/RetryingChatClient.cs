using System.Diagnostics.Metrics;
using ChatApi.Application.Errors;
using ChatApi.Application.Telemetry;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Sends a request again that was refused for a reason that passes: throttled, overloaded, no connection. Waits for as long
/// as the server asks; where it does not say, a random part of a time that doubles, so that replicas do not come back in
/// step. An answer that has begun is never asked for again: it is paid for, and part of it has been shown.
/// </summary>
/// <param name="inner">The client that is refused.</param>
/// <param name="maxRetries">Further tries.</param>
/// <param name="timeProvider">Time.</param>
/// <param name="logger">Log.</param>
/// <param name="random">From 0 to 1.</param>
internal sealed partial class RetryingChatClient(
    IChatClient inner, int maxRetries, TimeProvider timeProvider, ILogger<RetryingChatClient> logger, Func<double>? random = null)
    : DelegatingChatClient(inner)
{
    private static readonly Counter<long> Retries = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.upstream.retries", "{request}", "Requests to the model that were sent again, by why.");

    private static readonly TimeSpan FirstCeiling = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LastCeiling = TimeSpan.FromSeconds(8);

    // Nobody waits for an answer any longer: better to say at once when to come back.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TimeProvider _timeProvider = timeProvider;
    private readonly Func<double> _random = random ?? Random.Shared.NextDouble;

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var repeatable = messages as IReadOnlyCollection<ChatMessage> ?? [.. messages];
        return new UpdateStream(
            token => new Attempts(this, () => base.GetStreamingResponseAsync(repeatable, options, token).GetAsyncEnumerator(token), token),
            cancellationToken);
    }

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToWholeResponseAsync(cancellationToken);

    /// <summary>Null: not again.</summary>
    private TimeSpan? WaitBefore(int retry, CompletionException refusal)
    {
        if (retry >= maxRetries || !CompletionFailures.MayBeSentAgain(refusal))
            return null;
        if (refusal.RetryAfter is { } asked)
            return asked <= Patience ? asked : null;
        var ceiling = FirstCeiling * Math.Pow(2, retry);
        return _random() * (ceiling < LastCeiling ? ceiling : LastCeiling);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Upstream refused a request ({Code}: {Reason}); sent again in {Milliseconds:0} ms")]
    private partial void LogRefused(string code, string? reason, double milliseconds);

    /// <summary>Tries with the first step; from then on the updates are those of the try that was not refused.</summary>
    private sealed class Attempts(RetryingChatClient client, Func<IAsyncEnumerator<ChatResponseUpdate>> attempt, CancellationToken cancellationToken)
        : IAsyncEnumerator<ChatResponseUpdate>
    {
        private IAsyncEnumerator<ChatResponseUpdate>? _updates;

        public ChatResponseUpdate Current => _updates!.Current;

        public ValueTask<bool> MoveNextAsync() => _updates?.MoveNextAsync() ?? FirstAsync();

        public ValueTask DisposeAsync() => _updates?.DisposeAsync() ?? default;

        private async ValueTask<bool> FirstAsync()
        {
            for (var retry = 0; ; retry++)
            {
                _updates = attempt();
                try
                {
                    return await _updates.MoveNextAsync();
                }
                catch (CompletionException refusal) when (client.WaitBefore(retry, refusal) is { } time)
                {
                    Retries.Add(1, new KeyValuePair<string, object?>("error.type", refusal.Code));
                    client.LogRefused(refusal.Code, refusal.InnerException?.Message, time.TotalMilliseconds);
                    await _updates.DisposeAsync();
                    await Task.Delay(time, client._timeProvider, cancellationToken);
                }
            }
        }
    }
}
