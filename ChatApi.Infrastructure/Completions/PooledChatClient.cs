using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Begins on the thread pool: what a client that ChatApi does not know does before its first piece may take long, as does the demo's whole
/// reply where it waits for nothing, and neither other streams nor the answer to its own question wait for it.
/// </summary>
internal sealed class PooledChatClient(IChatClient inner) : DelegatingChatClient(inner)
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken).WithCancellation(cancellationToken))
            yield return update;
    }
}
