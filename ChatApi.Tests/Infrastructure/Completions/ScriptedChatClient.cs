using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>A model for tests of what stands before it: each call runs the next script.</summary>
internal sealed class ScriptedChatClient(params Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>>[] calls) : IChatClient
{
    public int Calls { get; private set; }

    public int Disposed { get; private set; }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var call = calls[Math.Min(Calls++, calls.Length - 1)];
        try
        {
            await foreach (var update in call(cancellationToken))
                yield return update;
        }
        finally
        {
            Disposed++;
        }
    }

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
