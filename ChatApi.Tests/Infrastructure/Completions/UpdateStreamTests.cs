using System.Runtime.CompilerServices;
using ChatApi.Infrastructure.Completions;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

public sealed class UpdateStreamTests
{
    [Test]
    public async Task It_ends_with_the_call_and_with_whoever_enumerates([Values] bool withTheCall)
    {
        using var call = new CancellationTokenSource();
        using var enumeration = new CancellationTokenSource();
        var stream = new UpdateStream(token => WaitAsync(token).GetAsyncEnumerator(CancellationToken.None), call.Token);
        await using var updates = stream.GetAsyncEnumerator(enumeration.Token);
        Assert.That(await updates.MoveNextAsync(), Is.True);
        Assert.That(updates.Current.Text, Is.EqualTo("a"));
        var next = updates.MoveNextAsync().AsTask();

        await (withTheCall ? call : enumeration).CancelAsync();

        Assert.That(async () => await next.WaitAsync(TimeSpan.FromSeconds(10)), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void One_token_is_handed_on_as_it_is([Values] bool ofTheCall, [Values] bool ofTheEnumeration)
    {
        using var source = new CancellationTokenSource();
        CancellationToken? handed = null;
        var stream = new UpdateStream(
            token =>
            {
                handed = token;
                return WaitAsync(token).GetAsyncEnumerator(CancellationToken.None);
            },
            ofTheCall ? source.Token : CancellationToken.None);

        _ = stream.GetAsyncEnumerator(ofTheEnumeration ? source.Token : CancellationToken.None);

        Assert.That(handed, Is.EqualTo(ofTheCall || ofTheEnumeration ? source.Token : CancellationToken.None));
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> WaitAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new(ChatRole.Assistant, "a");
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
