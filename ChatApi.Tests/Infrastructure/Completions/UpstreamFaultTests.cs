using System.Diagnostics;
using System.Net.Sockets;
using ChatApi.Application.Errors;
using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>Each way in which an upstream can fail, and the code that it gets. The bare client: one try, no time limits.</summary>
public sealed class UpstreamFaultTests
{
    private const string Canary = "canary-of-the-upstream";

    private static readonly TestCaseData[] Refusals =
    [
        Refusal(401, "upstream_misconfigured", false, ScriptedUpstreamReply.Error($"Incorrect API key provided: {Canary}", "invalid_api_key")),
        Refusal(403, "upstream_misconfigured", false),
        Refusal(404, "upstream_misconfigured", false, ScriptedUpstreamReply.Error("The model does not exist", "model_not_found")),
        Refusal(302, "upstream_misconfigured", false),
        Refusal(400, "upstream_error", false, ScriptedUpstreamReply.Error("Invalid value", "invalid_value", param: "temperature")),
        Refusal(400, "context_too_long", false, ScriptedUpstreamReply.Error("Too long", "context_length_exceeded")),
        Refusal(400, "context_too_long", false, """{"object":"error","message":"This model's maximum context length is 4096 tokens.","code":400}"""),
        Refusal(400, "context_too_long", false, """{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"""),
        Refusal(413, "context_too_long", false),
        Refusal(400, "content_filtered", false, ScriptedUpstreamReply.Error($"The response was filtered {Canary}", "content_filter", param: "prompt")),
        Refusal(400, "content_filtered", false, """{"error":{"code":"400","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"""),
        Refusal(429, "upstream_throttled", true),
        Refusal(429, "upstream_throttled", false, ScriptedUpstreamReply.Error("You exceeded your current quota", "insufficient_quota")),
        Refusal(402, "upstream_throttled", false),
        Refusal(408, "upstream_error", true),
        Refusal(500, "upstream_error", true),
        Refusal(503, "upstream_error", true, "<html>nginx</html>"),
        Refusal(418, "upstream_error", false),
        Refusal(400, "upstream_error", false, "[]"),
        Refusal(400, "upstream_error", false, "\"text\""),
        Refusal(400, "upstream_error", false, """{"error":"just a sentence"}"""),
        Refusal(500, "upstream_error", true, new string('x', 200_000)),
    ];

    private static readonly TestCaseData[] BrokenStreams =
    [
        Broken("A_web_page", "upstream_error", "", ScriptedUpstreamReply.Nothing().Head(200, "text/html").Raw("<!DOCTYPE html>\n<p>Hello</p>\n\n")),
        Broken("An_empty_body", "upstream_error", "", ScriptedUpstreamReply.Stream()),
        Broken("Only_comments", "upstream_error", "", ScriptedUpstreamReply.Stream().Comment().Comment()),
        Broken("Only_done", "upstream_error", "", ScriptedUpstreamReply.Stream().Done()),
        Broken("An_error_as_the_only_event", "upstream_error", "", ScriptedUpstreamReply.Stream().Event(ScriptedUpstreamReply.Error(Canary, "server_error"))),
        Broken("An_error_that_is_a_sentence", "upstream_error", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Event("""{"error":"boom"}""")),
        Broken("An_error_in_mid_reply", "upstream_error", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Event(ScriptedUpstreamReply.Error(Canary)).Delta("la")),
        Broken("An_error_event", "upstream_error", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Raw("event: error\ndata: {\"message\":\"boom\"}\n\n")),
        Broken("An_error_in_a_choice", "upstream_error", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Event("""{"choices":[{"error":{"code":502}}]}""")),
        Broken("An_error_as_finish", "upstream_error", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Finish("error")),
        Broken("A_filter_in_mid_reply", "content_filtered", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Event(ScriptedUpstreamReply.Error(Canary, "content_filter"))),
        Broken("No_json", "upstream_error", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Event("{\"choices\":[{").Delta("la")),
        Broken("A_reset", "upstream_truncated", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Delay(50).Reset()),
        Broken("A_reset_before_the_first_event", "upstream_truncated", "", ScriptedUpstreamReply.Stream().Delay(50).Reset()),
        Broken("A_body_without_its_last_chunk", "upstream_truncated", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Cut()),
        Broken("An_event_of_five_megabytes", "upstream_error", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Delta(new string('x', 5_000_000)).Finish().Done()),
        Broken("Lines_without_an_event", "upstream_error", "Ho", ScriptedUpstreamReply.Stream().Delta("Ho").Repeat(5_000, reply => reply.Raw("data: " + new string('x', 1_000) + "\n"))),
    ];

    [TestCaseSource(nameof(Refusals))]
    public async Task A_refusal_has_a_code_and_leaks_nothing(int status, string code, bool retryable, string body)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(status, body, ("Location", "/elsewhere"));
        using var client = Completion.Bare(Completion.Options(upstream, CompletionProvider.OpenAI));

        var failure = (await Completion.ReadAsync(client)).Failure;

        AssertFailure(failure, code, retryable, upstream.Address);
        Assert.That(upstream.Calls, Has.Count.EqualTo(1));
    }

    [TestCaseSource(nameof(BrokenStreams))]
    public async Task A_broken_stream_has_a_code_and_keeps_the_text_so_far(string code, string text, ScriptedUpstreamReply reply)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Enqueue(reply);
        using var client = Completion.Bare(Completion.Options(upstream));

        var completion = await Completion.ReadAsync(client);

        AssertFailure(completion.Failure, code, completion.Failure?.Retryable, upstream.Address);
        Assert.That(CompletionFailures.MayBeSentAgain(completion.Failure!), Is.False);
        Assert.That(completion.Text, Is.EqualTo(text));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_stream_that_just_ends_is_ended_without_a_finish_reason(bool midEvent)
    {
        var reply = ScriptedUpstreamReply.Stream().Delta("Hola");
        if (midEvent)
            reply.Raw("data: {\"choices\":[{\"delta\":{\"content\":\"x");

        var completion = await Completion.OfAsync(reply);

        Assert.That((completion.Text, completion.FinishReason, completion.Failure), Is.EqualTo(("Hola", (ChatFinishReason?)null, (CompletionException?)null)));
    }

    [Test]
    public async Task What_breaks_after_the_finish_costs_nothing([Values("reset", "cut", "error")] string how)
    {
        var reply = ScriptedUpstreamReply.Stream().Delta("Hola").Finish();
        var completion = await Completion.OfAsync(how switch
        {
            "reset" => reply.Delay(50).Reset(),
            "cut" => reply.Cut(),
            _ => reply.Event(ScriptedUpstreamReply.Error("late")),
        });
        Assert.That((completion.Text, completion.FinishReason, completion.Failure), Is.EqualTo(("Hola", (ChatFinishReason?)ChatFinishReason.Stop, (CompletionException?)null)));
    }

    [Test]
    public async Task An_event_without_end_does_not_fill_the_memory()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Script(reply => reply.Raw("data: ").Repeat(100_000, more => more.Raw(new string('x', 1_000))));
        using var client = Completion.Bare(Completion.Options(upstream));

        var completion = await Completion.ReadAsync(client);

        Assert.That(completion.Failure!.Code, Is.EqualTo("upstream_error"));
        Assert.That((await upstream.CallAsync()).SentBytes, Is.LessThan(20_000_000));
    }

    [TestCase("retry-after-ms: 300", 0.3)]
    [TestCase("Retry-After: 1", 1)]
    [TestCase("Retry-After: 3600", 3600)]
    [TestCase("Retry-After: soon", null)]
    [TestCase("Retry-After: -5", null)]
    [TestCase("retry-after-ms: x", null)]
    [TestCase("X-Other: 1", null)]
    public async Task The_time_that_the_upstream_asks_for_is_handed_on(string header, double? seconds)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(429, "{}", (header.Split(':')[0], header.Split(": ")[1]));
        using var client = Completion.Bare(Completion.Options(upstream));
        Assert.That((await Completion.ReadAsync(client)).Failure!.RetryAfter?.TotalSeconds, Is.EqualTo(seconds));
    }

    [Test]
    public async Task The_time_may_be_a_date_and_the_finer_header_wins()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var upstream = ScriptedUpstream.Start();
        upstream.Fail(503, "{}", ("Retry-After", "Tue, 01 Jan 2030 00:00:07 GMT"));
        upstream.Fail(503, "{}", ("Retry-After", "Mon, 01 Jan 2029 00:00:07 GMT"));
        upstream.Fail(429, "{}", ("Retry-After", "2"), ("retry-after-ms", "1500"));
        using var client = Completion.Bare(Completion.Options(upstream), clock);
        Assert.That((await Completion.ReadAsync(client)).Failure!.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(7)));
        Assert.That((await Completion.ReadAsync(client)).Failure!.RetryAfter, Is.EqualTo(TimeSpan.Zero));
        Assert.That((await Completion.ReadAsync(client)).Failure!.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(1.5)));
    }

    [Test]
    public async Task No_connection_is_an_error_of_the_upstream_whoever_it_is([Values] bool azure)
    {
        var address = ScriptedUpstream.RefusedAddress();
        using var client = Completion.Bare(new CompletionOptions
        {
            Provider = azure ? CompletionProvider.AzureOpenAI : CompletionProvider.OpenAICompatible,
            Endpoint = address,
            ApiKey = Completion.Key,
        });
        var failure = (await Completion.ReadAsync(client)).Failure;
        AssertFailure(failure, "upstream_error", true, address);
        Assert.That(CompletionFailures.MayBeSentAgain(failure!), Is.True);
    }

    [Test]
    public async Task A_server_without_TLS_behind_an_https_address_is_an_error_of_the_upstream()
    {
        await using var upstream = ScriptedUpstream.Start();
        using var client = Completion.Bare(new CompletionOptions
        {
            Provider = CompletionProvider.OpenAICompatible,
            Endpoint = new UriBuilder(upstream.Address) { Scheme = "https" }.Uri,
        });
        AssertFailure((await Completion.ReadAsync(client)).Failure, "upstream_error", true, upstream.Address);
    }

    [Test]
    public async Task A_connection_that_does_not_come_about_times_out()
    {
        // Nobody accepts, and the queue of those who wait is full: further packets are dropped.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen(1);
        using var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var second = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await first.ConnectAsync(listener.LocalEndPoint!);
        await second.ConnectAsync(listener.LocalEndPoint!);
        var address = new Uri($"http://{listener.LocalEndPoint}/v1");
        using var client = Completion.Bare(new CompletionOptions
        {
            Provider = CompletionProvider.OpenAICompatible,
            Endpoint = address,
            ConnectTimeout = TimeSpan.FromMilliseconds(300),
        });
        var clock = Stopwatch.StartNew();
        AssertFailure((await Completion.ReadAsync(client)).Failure, "upstream_timeout", true, address);
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(2.5)));
    }

    [Test]
    public async Task A_connection_that_is_reset_before_the_headers_is_an_error_of_the_upstream()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Enqueue(ScriptedUpstreamReply.Nothing().Reset());
        using var client = Completion.Bare(Completion.Options(upstream));
        AssertFailure((await Completion.ReadAsync(client)).Failure, "upstream_error", true, upstream.Address);
    }

    private static void AssertFailure(CompletionException? failure, string code, bool? retryable, Uri address)
    {
        Assert.That(failure, Is.Not.Null);
        Assert.That((failure!.Code, failure.Retryable), Is.EqualTo((code, retryable)));
        Assert.That(failure.Message, Does.Match("^[A-Z].*\\.$"));
        // The whole of it, causes included: it goes into logs.
        Assert.That(failure.ToString(), Does.Not.Contain(Completion.Key).And.Not.Contain(Canary).And.Not.Contain(address.Authority).And.Not.Contain("tal?"));
    }

    private static TestCaseData Refusal(int status, string code, bool retryable, string body = "{}") =>
        new TestCaseData(status, code, retryable, body).SetArgDisplayNames($"{status}", code, body.Length > 100 ? body[..100] : body);

    private static TestCaseData Broken(string name, string code, string text, ScriptedUpstreamReply reply) =>
        new TestCaseData(code, text, reply).SetArgDisplayNames(name);
}
