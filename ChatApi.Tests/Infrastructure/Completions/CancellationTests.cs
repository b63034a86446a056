using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>Nobody pays for what nobody wants: an abandoned reply closes its connection at once.</summary>
public sealed class CancellationTests
{
    [Test]
    public async Task Cancelling_closes_the_connection_at_each_stage(
        [Values("before the headers", "before the content", "in mid-reply")] string when,
        [Values(CompletionProvider.OpenAICompatible, CompletionProvider.AzureOpenAI)] object provider)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Enqueue(when switch
        {
            "before the headers" => ScriptedUpstreamReply.Nothing().Silence(),
            "before the content" => KeepAlive().Silence(),
            _ => KeepAlive().Delta("Hola").Silence(),
        });
        using var client = Completion.Whole(Completion.Options(upstream, (CompletionProvider)provider));
        using var cancellation = new CancellationTokenSource();
        var reading = Completion.ReadAsync(client, cancellationToken: cancellation.Token);
        var call = await upstream.CallAsync();
        await Task.Delay(200);

        await cancellation.CancelAsync();

        Assert.That(async () => await reading.WaitAsync(TimeSpan.FromSeconds(5)), Throws.InstanceOf<OperationCanceledException>());
        await call.ClientClosed.WaitAsync(TimeSpan.FromSeconds(2));
    }

    [Test]
    public async Task Leaving_the_loop_closes_the_connection_even_while_text_keeps_coming()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Enqueue(KeepAlive().Repeat(10_000, reply => reply.Delta("palabra ").Delay(5)));
        using var client = Completion.Whole(Completion.Options(upstream));

        await foreach (var update in client.GetStreamingResponseAsync(Completion.Question))
        {
            if (update.Text.Length > 0)
                break;
        }

        await upstream.Calls.Single().ClientClosed.WaitAsync(TimeSpan.FromSeconds(2));
    }

    [Test]
    public async Task A_cancellation_before_the_start_asks_nobody()
    {
        await using var upstream = ScriptedUpstream.Start();
        using var client = Completion.Whole(Completion.Options(upstream));
        Assert.That(
            async () => await Completion.ReadAsync(client, cancellationToken: new CancellationToken(true)),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(upstream.Calls, Is.Empty);
    }

    [Test]
    public void Arguments_are_checked_before_the_first_update_is_asked_for()
    {
        using var client = Completion.Whole(new CompletionOptions { Provider = CompletionProvider.OpenAI, ApiKey = Completion.Key });
        Assert.That(() => client.GetStreamingResponseAsync((IEnumerable<ChatMessage>)null!), Throws.ArgumentNullException);
    }

    /// <summary>As real servers answer: a connection that could be used again is one that a client might wish to keep.</summary>
    private static ScriptedUpstreamReply KeepAlive() =>
        ScriptedUpstreamReply.Nothing().Head(200, "text/event-stream", UpstreamFraming.Chunked, ("Connection", "keep-alive"));
}
