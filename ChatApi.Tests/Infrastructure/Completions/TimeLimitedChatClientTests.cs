using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ChatApi.Application.Errors;
using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>First the limits themselves under a clock of ours, then silence at each stage of a real answer.</summary>
public sealed class TimeLimitedChatClientTests
{
    private static readonly CompletionOptions Limits = new()
    {
        FirstContentTimeout = TimeSpan.FromSeconds(60),
        IdleTimeout = TimeSpan.FromSeconds(10),
        TotalTimeout = TimeSpan.FromSeconds(100),
    };

    private readonly FakeTimeProvider _clock = new();
    private Channel<ChatResponseUpdate> _model = Channel.CreateUnbounded<ChatResponseUpdate>();
    private IAsyncEnumerator<ChatResponseUpdate> _reply = null!;

    [SetUp]
    public void StartReply()
    {
        _model = Channel.CreateUnbounded<ChatResponseUpdate>();
        var client = new TimeLimitedChatClient(new ScriptedChatClient(Speak), Limits, _clock);
        _reply = client.GetStreamingResponseAsync(Completion.Question).GetAsyncEnumerator();
    }

    [TearDown]
    public async Task EndReply() => await _reply.DisposeAsync();

    [Test]
    public async Task The_first_content_has_its_own_limit()
    {
        var next = Next();
        Pass(59.9);
        Assert.That(next.IsCompleted, Is.False);
        Pass(0.2);
        await AssertTimedOut(next);
    }

    [Test]
    public async Task Updates_without_content_do_not_count()
    {
        foreach (var empty in (ChatResponseUpdate[])[new(), new(ChatRole.Assistant, ""), new(ChatRole.Assistant, [new UsageContent(new())])])
        {
            var next = Next();
            Pass(15);
            _model.Writer.TryWrite(empty);
            Assert.That(await next, Is.SameAs(empty));
        }

        var last = Next();
        Pass(14.9);
        Assert.That(last.IsCompleted, Is.False);
        Pass(0.2);
        await AssertTimedOut(last);
    }

    [Test]
    public async Task Each_piece_starts_the_idle_limit_anew()
    {
        for (var i = 0; i < 8; i++)
        {
            var next = Next();
            Pass(9);
            _model.Writer.TryWrite(new(ChatRole.Assistant, "palabra"));
            await next;
        }

        var last = Next();
        Pass(9.9);
        Assert.That(last.IsCompleted, Is.False);
        Pass(0.2);
        await AssertTimedOut(last);
    }

    [Test]
    public async Task A_reply_that_goes_on_is_ended_in_the_end()
    {
        for (var i = 0; i < 11; i++)
        {
            var next = Next();
            Pass(9);
            _model.Writer.TryWrite(new(ChatRole.Assistant, "palabra"));
            await next;
        }

        var last = Next(); // 99 s have passed.
        Assert.That(last.IsCompleted, Is.False);
        Pass(1.1);
        await AssertTimedOut(last);
    }

    [Test]
    public async Task A_slow_caller_is_not_the_silence_of_the_model()
    {
        foreach (var word in (string[])["uno", "dos", "tres"])
        {
            _model.Writer.TryWrite(new(ChatRole.Assistant, word));
            Assert.That((await Next()).Text, Is.EqualTo(word));
            Pass(30);
        }

        var last = Next();
        Pass(9.9);
        Assert.That(last.IsCompleted, Is.False);
        Pass(0.2);
        await AssertTimedOut(last);
    }

    [Test]
    public async Task After_the_finish_silence_ends_the_reply_in_peace()
    {
        var next = Next();
        _model.Writer.TryWrite(new(ChatRole.Assistant, "fin") { FinishReason = ChatFinishReason.Stop });
        await next;
        var more = _reply.MoveNextAsync().AsTask();
        Pass(4.9);
        Assert.That(more.IsCompleted, Is.False);
        Pass(0.2);
        Assert.That(await more.WaitAsync(TimeSpan.FromSeconds(5)), Is.False);
    }

    [Test]
    public async Task The_caller_who_gives_up_sees_a_cancellation()
    {
        using var cancellation = new CancellationTokenSource();
        var client = new TimeLimitedChatClient(new ScriptedChatClient(Speak), Limits, _clock);
        var reading = Completion.ReadAsync(client, cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        Assert.That(async () => await reading.WaitAsync(TimeSpan.FromSeconds(5)), Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase("before the headers", "")]
    [TestCase("before the content", "")]
    [TestCase("only comments", "")]
    [TestCase("only empty chunks", "")]
    [TestCase("in mid-reply", "Hola")]
    [TestCase("comments in mid-reply", "Hola")]
    public async Task Silence_ends_a_reply_and_closes_the_connection(string when, string text)
    {
        await using var upstream = ScriptedUpstream.Start();
        var stream = ScriptedUpstreamReply.Stream();
        upstream.Enqueue(when switch
        {
            "before the headers" => ScriptedUpstreamReply.Nothing().Silence(),
            "before the content" => stream.Role().Silence(),
            "only comments" => stream.Repeat(1000, reply => reply.Comment().Delay(20)),
            "only empty chunks" => stream.Repeat(1000, reply => reply.Role().Delay(20)),
            "in mid-reply" => stream.Delta("Hola").Silence(),
            _ => stream.Delta("Hola").Repeat(1000, reply => reply.Comment().Delay(20)),
        });
        using var client = Completion.Whole(Short(upstream));

        var completion = await Completion.ReadAsync(client).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.That((completion.Text, completion.Failure?.Code, completion.Failure?.Retryable), Is.EqualTo((text, "upstream_timeout", true)));
        await upstream.Calls.Single().ClientClosed.WaitAsync(TimeSpan.FromSeconds(2));
    }

    [Test]
    public async Task A_reply_without_end_is_cut_by_the_total_limit()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Script(reply => reply.Repeat(10_000, more => more.Delta("x").Delay(20)));
        using var client = Completion.Whole(Short(upstream));
        var completion = await Completion.ReadAsync(client).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.That(completion.Failure!.Code, Is.EqualTo("upstream_timeout"));
        Assert.That(completion.Text, Is.Not.Empty.And.EqualTo(upstream.Calls.Single().SentText[..completion.Text.Length]));
    }

    [Test]
    public async Task Waits_between_tries_count_as_waiting_for_the_first_content()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Default = _ => ScriptedUpstreamReply.Status(429, "{}", ("Retry-After", "5"));
        using var client = Completion.Whole(Short(upstream));
        var completion = await Completion.ReadAsync(client).WaitAsync(TimeSpan.FromSeconds(4));
        Assert.That(completion.Failure!.Code, Is.EqualTo("upstream_timeout"));
    }

    private static CompletionOptions Short(ScriptedUpstream upstream) => new()
    {
        Provider = CompletionProvider.OpenAICompatible,
        Endpoint = new Uri(upstream.BaseUrl),
        FirstContentTimeout = TimeSpan.FromSeconds(1.5),
        IdleTimeout = TimeSpan.FromSeconds(0.4),
        TotalTimeout = TimeSpan.FromSeconds(4),
    };

    private async IAsyncEnumerable<ChatResponseUpdate> Speak([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var update in _model.Reader.ReadAllAsync(cancellationToken))
            yield return update;
    }

    private async Task<ChatResponseUpdate> Next()
    {
        Assert.That(await _reply.MoveNextAsync(), Is.True);
        return _reply.Current;
    }

    private void Pass(double seconds) => _clock.Advance(TimeSpan.FromSeconds(seconds));

    private static async Task AssertTimedOut(Task next)
    {
        try
        {
            await next.WaitAsync(TimeSpan.FromSeconds(5));
            Assert.Fail("It goes on.");
        }
        catch (CompletionException failure)
        {
            Assert.That((failure.Code, failure.Retryable), Is.EqualTo(("upstream_timeout", true)));
        }
    }
}
