using ChatApi.Application.Errors;
using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

public sealed class RetryingChatClientTests
{
    private static readonly UpstreamRefusedException Refused = new("The upstream answered 503.");

    [Test]
    public async Task The_waits_double_up_to_eight_seconds_and_then_it_gives_up()
    {
        var (waits, completion, model) = await Run(random: 1, retries: 7, Fails(CompletionFailures.Failed(true, Refused)));
        Assert.That(waits, Is.EqualTo(new[] { 0.5, 1, 2, 4, 8, 8, 8 }));
        Assert.That(completion.Failure!.Code, Is.EqualTo("upstream_error"));
        Assert.That((model.Calls, model.Disposed), Is.EqualTo((8, 8)));
    }

    [Test]
    public async Task The_waits_are_a_random_part()
    {
        var (waits, _, _) = await Run(random: 0.25, retries: 3, Fails(CompletionFailures.Throttled(Refused, null)));
        Assert.That(waits, Is.EqualTo(new[] { 0.125, 0.25, 0.5 }));
    }

    [Test]
    public async Task What_the_server_asks_for_is_waited_if_it_is_not_too_long()
    {
        var (waits, completion, _) = await Run(1, 3,
            Fails(CompletionFailures.Throttled(Refused, TimeSpan.FromSeconds(0.3))),
            Fails(CompletionFailures.Throttled(Refused, TimeSpan.FromSeconds(20))),
            Says("Hola"));
        Assert.That(waits, Is.EqualTo(new[] { 0.3, 20 }));
        Assert.That(completion.Text, Is.EqualTo("Hola"));
    }

    [Test]
    public async Task It_gives_up_at_once_when_asked_to_wait_for_long()
    {
        var (waits, completion, _) = await Run(1, 3, Fails(CompletionFailures.Throttled(Refused, TimeSpan.FromSeconds(20.1))));
        Assert.That(waits, Is.Empty);
        Assert.That(completion.Failure!.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(20.1)));
    }

    [Test]
    public async Task What_will_not_pass_or_has_begun_is_not_tried_again()
    {
        foreach (var failure in (CompletionException[])[
            CompletionFailures.Misconfigured(Refused),
            CompletionFailures.ContextTooLong(Refused),
            CompletionFailures.OutOfQuota(Refused),
            CompletionFailures.Failed(retryable: true),
            CompletionFailures.Truncated(new IOException("Reset")),
            CompletionFailures.TimedOut()])
        {
            var (waits, completion, model) = await Run(1, 3, Fails(failure));
            Assert.That((waits.Count, completion.Failure, model.Calls), Is.EqualTo((0, failure, 1)));
        }
    }

    [Test]
    public async Task Without_retries_the_first_refusal_is_final()
    {
        var (waits, _, model) = await Run(1, 0, Fails(CompletionFailures.Failed(true, Refused)));
        Assert.That((waits.Count, model.Calls), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task A_wait_ends_when_the_caller_gives_up()
    {
        var model = new ScriptedChatClient(Fails(CompletionFailures.Failed(true, Refused)));
        using var client = new RetryingChatClient(model, 3, new FakeTimeProvider(), NullLogger<RetryingChatClient>.Instance, () => 1);
        using var cancellation = new CancellationTokenSource();
        var reading = Completion.ReadAsync(client, cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        Assert.That(async () => await reading.WaitAsync(TimeSpan.FromSeconds(5)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(model.Calls, Is.EqualTo(1));
    }

    [Test]
    public async Task An_upstream_that_is_down_twice_answers_the_third_time()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(500, "oops").Fail(429, "{}", ("retry-after-ms", "30")).Reply("Hola");
        using var client = Completion.Whole(Completion.Options(upstream));
        Assert.That((await Completion.ReadAsync(client)).Text, Is.EqualTo("Hola"));
        Assert.That(upstream.Calls, Has.Count.EqualTo(3));
        Assert.That(upstream.Calls.Select(call => call.Body).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task The_log_says_why_and_nothing_of_what_was_said_nor_where()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(503, ScriptedUpstreamReply.Error("canary", "overloaded"), ("retry-after-ms", "30"));
        var log = new FakeLogger<RetryingChatClient>();
        var options = Completion.Options(upstream, CompletionProvider.OpenAI);
        using var client = CompletionsServiceCollectionExtensions.Upstream(options, TimeProvider.System, log);

        await Completion.ReadAsync(client);

        Assert.That(log.Text, Is.EqualTo("Warning: Upstream refused a request (upstream_error: The upstream answered 503 (overloaded).); sent again in 30 ms"));
    }

    [TestCase(429, """{"error":{"code":"insufficient_quota"}}""", null)]
    [TestCase(429, "{}", "3600")]
    [TestCase(400, "{}", null)]
    [TestCase(401, "{}", null)]
    [TestCase(403, "{}", null)]
    [TestCase(404, "{}", null)]
    public async Task A_refusal_for_good_is_asked_once(int status, string body, string? retryAfter)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(status, body, retryAfter is null ? [] : [("Retry-After", retryAfter)]);
        using var client = Completion.Whole(Completion.Options(upstream));
        Assert.That((await Completion.ReadAsync(client)).Failure, Is.Not.Null);
        Assert.That(upstream.Calls, Has.Count.EqualTo(1));
    }

    private static Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> Fails(CompletionException failure) =>
        _ => throw failure;

    private static Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> Says(string text) =>
        _ => new[] { new ChatResponseUpdate(ChatRole.Assistant, text) }.ToAsyncEnumerable();

    private static async Task<(List<double> Waits, Completion Completion, ScriptedChatClient Model)> Run(
        double random, int retries, params Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>>[] calls)
    {
        var clock = new WaitRecorder();
        var model = new ScriptedChatClient(calls);
        using var client = new RetryingChatClient(model, retries, clock, NullLogger<RetryingChatClient>.Instance, () => random);
        return (clock.Waits, await Completion.ReadAsync(client), model);
    }

    private sealed class FakeLogger<T> : ILogger<T>
    {
        public string Text { get; private set; } = "";

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Text += $"{logLevel}: {formatter(state, exception)}{exception}";
    }

    /// <summary>Lets all time pass at once, and notes it.</summary>
    private sealed class WaitRecorder : TimeProvider
    {
        public List<double> Waits { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Add(dueTime.TotalSeconds);
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
