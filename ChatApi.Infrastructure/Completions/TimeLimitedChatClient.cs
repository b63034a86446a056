using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Gives up on a model that says nothing: before its first content, between two pieces of it, or in all. Content alone
/// counts; comment lines and empty chunks are what an upstream sends while nothing happens.
/// </summary>
internal sealed class TimeLimitedChatClient(IChatClient inner, CompletionOptions limits, TimeProvider timeProvider) : DelegatingChatClient(inner)
{
    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(messages, options, cancellationToken);
    }

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToWholeResponseAsync(cancellationToken);

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var watch = new SilenceWatch(limits, timeProvider, cancellationToken);
        await using var updates = base.GetStreamingResponseAsync(messages, options, watch.Token).GetAsyncEnumerator(watch.Token);
        while (await MoveNextAsync(updates, watch, cancellationToken))
        {
            var update = updates.Current;
            if (update.FinishReason is not null)
                watch.ReplyFinished();
            var hasContent = HasContent(update);
            if (hasContent)
                watch.Pause();
            yield return update;
            if (hasContent)
                watch.Resume();
        }
    }

    private static bool HasContent(ChatResponseUpdate update)
    {
        for (var index = 0; index < update.Contents.Count; index++)
        {
            if (update.Contents[index] is not (UsageContent or TextContent { Text.Length: 0 }))
                return true;
        }

        return false;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<bool> MoveNextAsync(
        IAsyncEnumerator<ChatResponseUpdate> updates, SilenceWatch watch, CancellationToken cancellationToken)
    {
        try
        {
            return await updates.MoveNextAsync();
        }
        catch (OperationCanceledException failure) when (watch.HasExpired && !cancellationToken.IsCancellationRequested)
        {
            // A complete reply needs nothing more: its usage is then estimated.
            return watch.IsReplyFinished ? false : throw CompletionFailures.TimedOut(failure);
        }
    }
}
