using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Telemetry;

/// <summary>One trace from the request to the stored reply, in which nobody's words are.</summary>
[TestFixture(DatabaseKind.Sqlite)]
[TestFixture(DatabaseKind.Postgres)]
[Parallelizable(ParallelScope.All)]
public sealed class TraceTests(DatabaseKind database)
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string Parent = $"00-{TraceId}-b7ad6b7169203331-01";
    private const string Reply = "canary-reply";

    [Test]
    public async Task A_trace_goes_on_when_the_client_has_left()
    {
        await using var world = await TelemetryWorld.StartAsync(database);
        var user = ApiClient.NewUser(world.Server);
        var session = await user.CreateSessionAsync("canary-title");
        var gate = new TaskCompletionSource();
        var question = world.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta(Reply).WaitFor(gate.Task).Delta(" y fin").Finish().Usage(9, 2).Done());

        var reply = await user.StreamAsync(session, question, ("traceparent", Parent), ("baggage", "canary-name=canary-value"), ("X-Request-ID", "id-of-the-client"));
        await reply.UntilAsync(received => received.Type == "content");
        await reply.DisposeAsync();
        var request = await world.Collector.SpanAsync(span => span.TraceId == TraceId && span.Kind == SpanKind.Server, "the end of the request");
        gate.SetResult();
        await Poll.UntilAsync(async () => (await user.GetAsync($"/api/chat/runs/{reply.RunId}"))["status"] == "completed", "the end of the run");
        var run = await world.Collector.SpanAsync(span => span.Name == "chatapi.run", "the run");

        var spans = world.Collector.Spans;
        var chat = spans.Single(span => span.Name == "chat gpt-4o-mini");
        var save = spans.Single(span => span.Name == "chatapi.run.save");
        var call = spans.Single(span => span.Scope == "System.Net.Http" && span.TraceId == TraceId);
        Assert.That(new[] { run, chat, save, call }.Select(span => span.TraceId), Is.All.EqualTo(TraceId));
        Assert.That(
            (request.ParentId, run.ParentId, chat.ParentId, call.ParentId, save.ParentId),
            Is.EqualTo(("b7ad6b7169203331", request.Id, run.Id, chat.Id, run.Id)));
        var toModel = world.Model.CallsFor(question).Single().Headers;
        Assert.That(toModel["traceparent"], Is.EqualTo($"00-{TraceId}-{call.Id}-01"));
        Assert.That(toModel.Keys, Has.None.EqualTo("baggage").IgnoreCase.And.None.EqualTo("Correlation-Context").IgnoreCase);
        Assert.That(request.Name, Is.EqualTo("POST api/chat/realtime/sessions/{id}/stream"));
        Assert.That(request.Attributes["http.response.header.x-request-id"], Is.EqualTo("id-of-the-client"));
        Assert.That(spans.Any(span => span.Scope == "Npgsql" && span.ParentId == save.Id), Is.EqualTo(database == DatabaseKind.Postgres), "the statement that stores the reply");
        Assert.That(spans.Where(span => span.ParentId.Length == 0).Select(span => span.Kind), Is.All.EqualTo(SpanKind.Server), "Nothing but requests begins a trace.");
        Assert.That((run.HasFailed, chat.HasFailed, save.HasFailed), Is.EqualTo((false, false, false)));

        Assert.That(Described(run), Is.EquivalentTo(new[]
        {
            $"chatapi.run.id={reply.RunId}", $"gen_ai.conversation.id={session}", "chatapi.run.status=completed",
        }));
        Assert.That(Described(save), Is.EquivalentTo(new[] { "chatapi.save.outcome=stored" }));
        Assert.That(Described(chat).Where(line => !line.StartsWith("gen_ai.response.time_to_first_chunk=", StringComparison.Ordinal)), Is.EquivalentTo(new[]
        {
            "gen_ai.operation.name=chat", "gen_ai.provider.name=openai", "gen_ai.request.model=gpt-4o-mini", $"gen_ai.conversation.id={session}",
            "gen_ai.request.stream=True", "gen_ai.request.temperature=0.7", "gen_ai.request.max_tokens=2000", $"gen_ai.response.model={Model}",
            "gen_ai.response.finish_reasons=stop", "gen_ai.usage.input_tokens=9", "gen_ai.usage.output_tokens=2",
        }));
        Assert.That((double)chat.Attributes["gen_ai.response.time_to_first_chunk"], Is.GreaterThan(0).And.LessThan(60));

        await Poll.UntilAsync(() => world.Collector.Logs.Any(log => log.Body.Contains("ended as Completed", StringComparison.Ordinal)), "the log");
        var lines = world.Collector.Logs.Where(log => log.Body.StartsWith($"Run {reply.RunId}", StringComparison.Ordinal)).ToList();
        Assert.That(lines.Select(log => (log.TraceId, log.SpanId)), Is.EqualTo(new[] { (TraceId, run.Id), (TraceId, run.Id) }));
        await ExpectNobodysWordsAsync(world);
    }

    [Test]
    public async Task A_title_belongs_to_the_run_that_it_comes_after_and_its_tokens_are_counted()
    {
        await using var supabase = await SupabaseAuthServer.StartAsync();
        await using var world = await TelemetryWorld.StartAsync(
            database, ("CHAT_TITLES", null), ("SUPABASE_URL", supabase.Url), ("SUPABASE_KEY", SupabaseAuthServer.ApiKey));
        var user = ApiClient.NewUser(world.Server);
        var others = world.Upstream.Default;
        world.Upstream.Default = call => call.Body.Contains("Give the conversation a title", StringComparison.Ordinal)
            ? ScriptedUpstreamReply.Stream().Role().Delta("canary-title").Finish().Usage(90, 20).Done()
            : others(call);

        (await user.PostAsync("/api/chat", new { content = world.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta(Reply).Finish().Usage(9, 2).Done()) })).Expect(HttpStatusCode.OK);

        var title = await world.Collector.SpanAsync(span => span.Name == "chatapi.title", "the title");
        var run = await world.Collector.SpanAsync(span => span.Name == "chatapi.run", "the run");
        var chat = await world.Collector.SpanAsync(span => span.Name == "chat gpt-4o-mini" && span.ParentId == title.Id, "its call");
        Assert.That((title.TraceId, title.ParentId), Is.EqualTo((run.TraceId, run.Id)));
        Assert.That(chat.Attributes["gen_ai.usage.output_tokens"], Is.EqualTo(20L));
        await Poll.UntilAsync(() => Sum("gen_ai.client.token.usage") == 121 && Sum("chatapi.tokens") == 121, "the tokens of both");
        await Poll.UntilAsync(() => supabase.KeyRequests > 0, "the keys");
        await ExpectNobodysWordsAsync(world);
        Assert.That(world.Collector.Spans.Where(span => span.ParentId.Length == 0).Select(span => span.Kind), Is.All.EqualTo(SpanKind.Server), "Nothing but requests begins a trace.");

        double Sum(string metric) => world.Collector.Points.Where(point => point.Metric == metric)
            .GroupBy(point => string.Join(';', point.Attributes.OrderBy(attribute => attribute.Key).Select(attribute => $"{attribute.Key}={attribute.Value}")))
            .Sum(series => series.Last().Value);
    }

    [Test]
    public async Task What_is_not_sampled_begins_no_other_trace()
    {
        await using var world = await TelemetryWorld.StartAsync(database, ("CHAT_TITLES", null));
        var user = ApiClient.NewUser(world.Server);

        // The client has decided that it is not sampled; what has no parent would be.
        user.Http.DefaultRequestHeaders.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-00");
        var question = world.Model.Ask(ScriptedUpstreamReply.Text(Reply));
        (await user.PostAsync("/api/chat", new { content = question })).Expect(HttpStatusCode.OK);
        await Poll.UntilAsync(() => world.Upstream.Calls.Count == 2, "the call for the title");

        Assert.That(world.Model.CallsFor(question)[0].Headers["traceparent"], Does.Match($"^00-{TraceId}-.*-00$"));
        await ExpectNobodysWordsAsync(world);
        Assert.That(world.Collector.Spans, Is.Empty);
    }

    [Test]
    public async Task What_fails_says_so_by_its_code_alone()
    {
        await using var world = await TelemetryWorld.StartAsync(database, ("UPSTREAM_MAX_RETRIES", "1"));
        var user = ApiClient.NewUser(world.Server);
        world.Upstream.Fail(429, ScriptedUpstreamReply.Error("canary-error"), ("retry-after-ms", "1")).Fail(401, ScriptedUpstreamReply.Error("canary-error"));

        var problem = (await user.PostAsync("/api/chat", new { content = "canary-question" })).ExpectProblem(HttpStatusCode.BadGateway, "upstream_misconfigured");

        var run = await world.Collector.SpanAsync(span => span.Name == "chatapi.run", "the run");
        var request = await world.Collector.SpanAsync(span => span.Id == run.ParentId, "the request");
        var chat = world.Collector.Spans.Single(span => span.Name == "chat gpt-4o-mini");
        Assert.That(request.TraceId, Is.EqualTo(problem["trace_id"]), "An error names the trace.");
        Assert.That((run.HasFailed, chat.HasFailed), Is.EqualTo((true, true)));
        Assert.That((run.Attributes["error.type"], chat.Attributes["error.type"]), Is.EqualTo(("upstream_misconfigured", "upstream_misconfigured")));
        Assert.That(
            world.Collector.Spans.Where(span => span.ParentId == chat.Id).Select(span => span.Attributes["http.response.status_code"]),
            Is.EqualTo(new object[] { 429L, 401L }), "Both tries are in one call.");
        Assert.That(() => world.Server.Output, Does.Contain($"trace {request.TraceId}").After(10_000, 50), "The log's line has the same trace.");
        await ExpectNobodysWordsAsync(world);
    }

    [Test]
    public async Task Neither_paths_nor_queries_nor_probes_are_told()
    {
        await using var world = await TelemetryWorld.StartAsync(database);
        var user = ApiClient.NewUser(world.Server);
        await user.GetAsync("/health/ready");
        await user.GetAsync("/health/live");
        await user.GetAsync("/canary-path?canary-name=canary-value");
        await user.GetAsync("/api/chat/sessions?q=canary-search");
        var answer = await user.PostAsync("/api/auth/register", new { email = "ana@example.com", password = "canary-password" });
        answer.Expect(HttpStatusCode.Created);

        await world.Collector.SpanAsync(span => span.Name == "POST api/auth/register", "the last request");
        Assert.That(
            world.Collector.Spans.Where(span => span.Kind == SpanKind.Server).Select(span => span.Name),
            Is.EquivalentTo(new[] { "GET", "GET api/chat/sessions", "POST api/auth/register" }));
        await ExpectNobodysWordsAsync(world);
    }

    [Test]
    public async Task Without_a_sample_the_id_of_the_request_names_it()
    {
        await using var world = await TelemetryWorld.StartAsync(database, ("OTEL_TRACES_SAMPLER", "always_off"));
        var user = ApiClient.NewUser(world.Server);
        using var response = await user.Http.PostAsync("/api/chat", JsonContent.Create(new { content = "" }));
        var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        (await user.PostAsync("/api/chat", new { content = "canary-question" })).Expect(HttpStatusCode.OK);

        await Poll.UntilAsync(() => world.Collector.Points.Any(point => point.Metric == "chatapi.runs.ended"), "the metrics");
        Assert.That(world.Collector.Spans, Is.Empty);
        Assert.That(problem.GetProperty("trace_id").GetString(), Is.EqualTo(response.Headers.GetValues("X-Request-ID").Single()));
    }

    private static string Model => ScriptedUpstreamReply.Model;

    private static IEnumerable<string> Described(ReceivedSpan span) =>
        span.Attributes.Select(attribute => FormattableString.Invariant($"{attribute.Key}={attribute.Value}"));

    /// <summary>Looks after the end, when all has been sent.</summary>
    private static async Task ExpectNobodysWordsAsync(TelemetryWorld world)
    {
        await world.Server.StopAsync();
        Assert.That(world.Collector.Bodies, Is.Not.Empty);
        foreach (var word in new[] { Canary.Mark, "y fin", "@example.com", PostgresServer.Password, TestTokens.Key, "Bearer" })
            Assert.That(world.Collector.Holds(word), Is.False, word);
    }
}
