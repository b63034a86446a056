using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// The updates of a reply, made by an enumerator of its own: a client that passes them on costs an update no state machine more than it
/// needs, as <c>yield</c> would.
/// </summary>
/// <param name="open">Begins to read, with the token that ends it.</param>
/// <param name="cancellationToken">The token of the call; whoever enumerates may bring another one.</param>
internal sealed class UpdateStream(Func<CancellationToken, IAsyncEnumerator<ChatResponseUpdate>> open, CancellationToken cancellationToken)
    : IAsyncEnumerable<ChatResponseUpdate>
{
    private readonly CancellationToken _called = cancellationToken;

    public IAsyncEnumerator<ChatResponseUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        cancellationToken == _called || !_called.CanBeCanceled ? open(cancellationToken)
        : !cancellationToken.CanBeCanceled ? open(_called)
        : EitherAsync(_called).GetAsyncEnumerator(cancellationToken);

    /// <summary>The compiler's code makes one token of the two.</summary>
    private async IAsyncEnumerable<ChatResponseUpdate> EitherAsync([EnumeratorCancellation] CancellationToken either)
    {
        await using var updates = open(either);
        while (await updates.MoveNextAsync())
            yield return updates.Current;
    }
}
