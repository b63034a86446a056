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
        return new UpdateStream(
            token =>
            {
                var watch = new SilenceWatch(limits, timeProvider, token);
                return new Watched(base.GetStreamingResponseAsync(messages, options, watch.Token).GetAsyncEnumerator(watch.Token), watch, token);
            },
            cancellationToken);
    }

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToWholeResponseAsync(cancellationToken);

    private sealed class Watched(IAsyncEnumerator<ChatResponseUpdate> updates, SilenceWatch watch, CancellationToken cancellationToken)
        : IAsyncEnumerator<ChatResponseUpdate>
    {
        private bool _isPaused;

        public ChatResponseUpdate Current => updates.Current;

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public async ValueTask<bool> MoveNextAsync()
        {
            if (_isPaused)
                watch.Resume();
            _isPaused = false;
            try
            {
                if (!await updates.MoveNextAsync())
                    return false;
            }
            catch (OperationCanceledException failure) when (watch.HasExpired && !cancellationToken.IsCancellationRequested)
            {
                // A complete reply needs nothing more: its usage is then estimated.
                return watch.IsReplyFinished ? false : throw CompletionFailures.TimedOut(failure);
            }

            if (updates.Current.FinishReason is not null)
                watch.ReplyFinished();
            _isPaused = HasContent(updates.Current);
            if (_isPaused)
                watch.Pause();
            return true;
        }

        public async ValueTask DisposeAsync()
        {
            using (watch)
                await updates.DisposeAsync();
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
    }
}
