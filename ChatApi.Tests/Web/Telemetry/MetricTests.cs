using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Telemetry;

/// <summary>What a busy server tells of itself, on the port for it and on no other; and that what is shipped to look at it asks for nothing else.</summary>
[Parallelizable(ParallelScope.All)]
public sealed partial class MetricTests
{
    /// <summary>What Prometheus itself adds.</summary>
    private static readonly string[] OwnLabels = ["job", "instance", "le"];

    private static readonly string[] Words = ["and", "or", "unless"];

    [Test]
    public async Task A_busy_server_has_every_metric_of_the_dashboard_of_the_alerts_and_of_the_documentation()
    {
        var port = ServerPrograms.FreePort();
        await using var world = await TelemetryWorld.StartAsync(
            DatabaseKind.Postgres, ("METRICS_PORT", port.ToString(CultureInfo.InvariantCulture)), ("CHAT_LIMIT_TURNS_PER_MINUTE", "4"), ("UPSTREAM_MAX_RETRIES", "1"));
        var user = ApiClient.NewUser(world.Server);
        await BeBusyAsync(world, user);
        using var prometheus = new HttpClient { BaseAddress = new($"http://localhost:{port}") };
        var samples = Samples(await prometheus.GetStringAsync("/metrics"));

        Assert.That(Value(samples, "chatapi_runs_started_total"), Is.EqualTo(4));
        Assert.That(Value(samples, "chatapi_runs_ended_total", ("chatapi_run_status", "completed")), Is.EqualTo(2));
        Assert.That(Value(samples, "chatapi_runs_ended_total", ("chatapi_run_status", "stopped")), Is.EqualTo(1));
        Assert.That(Value(samples, "chatapi_runs_ended_total", ("chatapi_run_status", "failed")), Is.EqualTo(1));
        Assert.That(Value(samples, "chatapi_runs_ended_total", ("chatapi_run_status", "interrupted")), Is.Zero, "What has not happened yet is told, too.");
        Assert.That(Value(samples, "chatapi_run_errors_total", ("error_type", "upstream_misconfigured")), Is.EqualTo(1));
        Assert.That(Value(samples, "chatapi_runs_resumed_total"), Is.EqualTo(1));
        Assert.That(Value(samples, "chatapi_runs_stop_requests_total"), Is.EqualTo(1));
        Assert.That(Value(samples, "chatapi_limits_refused_total", ("chatapi_limit", "turns")), Is.EqualTo(1));
        Assert.That(Value(samples, "chatapi_upstream_retries_total", ("error_type", "upstream_throttled")), Is.EqualTo(1));
        Assert.That(Value(samples, "chatapi_tokens_total", ("gen_ai_token_type", "input"), ("chatapi_tokens_estimated", "false")), Is.EqualTo(18));
        Assert.That(Value(samples, "chatapi_tokens_total", ("gen_ai_token_type", "output"), ("chatapi_tokens_estimated", "true")), Is.GreaterThan(0));
        Assert.That(Value(samples, "gen_ai_client_token_usage_sum", ("gen_ai_token_type", "output"), ("gen_ai_request_model", "gpt-4o-mini")), Is.EqualTo(6));
        Assert.That(Value(samples, "gen_ai_client_operation_duration_seconds_count", ("error_type", "upstream_misconfigured")), Is.EqualTo(1));
        Assert.That(Value(samples, "gen_ai_client_operation_time_to_first_chunk_seconds_count", ("gen_ai_provider_name", "openai")), Is.EqualTo(3));
        Assert.That(Value(samples, "chatapi_run_save_duration_seconds_count", ("chatapi_save_outcome", "stored")), Is.EqualTo(4));
        Assert.That(Value(samples, "chatapi_health", ("chatapi_health_check", "database")), Is.EqualTo(1));
        Assert.That(Value(samples, "chatapi_runs_active"), Is.Zero);

        ExpectKnown(samples, Queries("deploy/grafana/chatapi-dashboard.json", DashboardQuery()), atLeast: 40);
        ExpectKnown(samples, Queries("deploy/prometheus/chatapi-alerts.yml", AlertQuery()), atLeast: 10);
        ExpectDocumented(world.Collector);

        // Probes fail while a process stops or its database is away: for that there are other alerts.
        var served = samples.Where(sample => sample.Name == "http_server_request_duration_seconds_count").Select(sample => sample.Labels.GetValueOrDefault("http_route", "")).ToList();
        var alert = Queries("deploy/prometheus/chatapi-alerts.yml", AlertQuery()).Single(query => query.Contains("http_server", StringComparison.Ordinal));
        var left = Excluded().Matches(alert).Select(route => new Regex($"^(?:{route.Groups[1].Value})$")).ToList();
        Assert.That(left, Has.Count.EqualTo(2));
        foreach (var route in left)
            Assert.That(served.Where(name => route.IsMatch(name)).Distinct().ToList(), Is.Not.Empty.And.All.Contain("health"), string.Join(' ', served));

        using var api = await prometheus.GetAsync("/api/chat/sessions");
        using var page = await prometheus.GetAsync("/");
        Assert.That((api.StatusCode, page.StatusCode), Is.EqualTo((HttpStatusCode.NotFound, HttpStatusCode.NotFound)), "The port of the metrics has nothing else.");
        (await user.GetAsync("/metrics")).Expect(HttpStatusCode.NotFound);
    }

    [Test]
    public async Task What_goes_on_is_seen_while_it_does()
    {
        await using var world = await TelemetryWorld.StartAsync();
        var user = ApiClient.NewUser(world.Server);
        var gate = new TaskCompletionSource();
        var question = world.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hola").WaitFor(gate.Task).Finish().Done());
        await using var reply = await user.StreamAsync(await user.CreateSessionAsync(), question);
        await reply.UntilAsync(received => received.Type == "content");

        await Poll.UntilAsync(() => (Replying(), Last(world, "chatapi.viewers")) == (1, 1), "a reply and its viewer");
        gate.SetResult();
        await reply.ReadToEndAsync();
        await Poll.UntilAsync(() => (Replying(), Last(world, "chatapi.viewers")) == (0, 0), "nothing that goes on");

        double? Replying() => Last(world, "chatapi.runs.active", ("chatapi.run.phase", "replying"));
    }

    [Test]
    public async Task A_database_that_is_away_is_seen_by_readiness_and_by_the_journal()
    {
        var postgres = await ChatApiEnvironment.PostgresAsync();
        await using var proxy = FaultProxy.Before(postgres.Port);
        await using var world = await TelemetryWorld.StartAsync(
            settings: ("DATABASE_URL", postgres.Url(await postgres.CreateDatabaseAsync(), proxy.Port)));
        var user = ApiClient.NewUser(world.Server);
        var (goOn, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var question = world.Model.Ask(
            ScriptedUpstreamReply.Stream().Role().Delta("Hola").WaitFor(goOn.Task).Delta(", y más").WaitFor(end.Task).Finish().Usage(9, 2).Done());
        await using var reply = await user.StreamAsync(await user.CreateSessionAsync(), question);
        await reply.UntilAsync(received => received.Type == "content");
        await UntilAsync("chatapi.health", 1, 1, ("chatapi.health.check", "database"));

        proxy.Refuse();
        proxy.ResetAll();
        goOn.SetResult();
        await UntilAsync("chatapi.journal.lag", 2, 60);
        await UntilAsync("chatapi.journal.backlog", 1, 2);
        await UntilAsync("chatapi.health", 0, 0, ("chatapi.health.check", "database"));
        Assert.That(world.Collector.Points.Any(point => point.Metric == "chatapi.journal.write.duration" && point.Attributes.ContainsKey("error.type")), Is.True, "a failed write");
        end.SetResult();
        await UntilAsync("chatapi.runs.active", 1, 1, ("chatapi.run.phase", "saving"));

        proxy.Heal();
        Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("done"));
        await UntilAsync("chatapi.journal.lag", 0, 0);
        await UntilAsync("chatapi.health", 1, 1, ("chatapi.health.check", "database"));
        await UntilAsync("chatapi.runs.active", 0, 0, ("chatapi.run.phase", "saving"));

        Task UntilAsync(string metric, double least, double most, params (string Name, object Value)[] attributes) => Poll.UntilAsync(
            () => Last(world, metric, attributes) is { } value && value >= least && value <= most, $"{metric} from {least} to {most}");
    }

    private static double? Last(TelemetryWorld world, string metric, params (string Name, object Value)[] attributes) =>
        world.Collector.Points.LastOrDefault(point => point.Metric == metric
            && attributes.All(attribute => attribute.Value.Equals(point.Attributes.GetValueOrDefault(attribute.Name))))?.Value;

    private static async Task BeBusyAsync(TelemetryWorld world, ApiClient user)
    {
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();

        // One that is come back to, after a refusal of the model's; one that is stopped; one that fails; one too many.
        world.Upstream.Fail(429, "{}", ("retry-after-ms", "1"));
        var question = world.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hola").WaitFor(gate.Task).Delta(" y adiós").Delta(".").Finish().Usage(9, 3).Done());
        await using var first = await user.StreamAsync(session, question);
        await first.UntilAsync(received => received.Type == "content");
        await using var again = await user.AttachAsync(session);
        await again.UntilAsync(received => received.Type == "content");
        gate.SetResult();
        await first.ReadToEndAsync();

        await using var stopped = await user.StreamAsync(session, world.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Había una vez").Silence()));
        await stopped.UntilAsync(received => received.Type == "content");
        (await user.PostAsync($"/api/chat/realtime/sessions/{session}/stop", new { })).Expect(HttpStatusCode.OK);
        (await user.PostAsync("/api/chat", new { content = world.Model.Ask(ScriptedUpstreamReply.Text("a", "b", "c")) })).Expect(HttpStatusCode.OK);
        world.Upstream.Fail(401, "{}");
        (await user.PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.BadGateway);
        (await user.PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.TooManyRequests);
    }

    private static List<Sample> Samples(string text) =>
    [
        .. SampleLine().Matches(text).Select(line => new Sample(
            line.Groups["name"].Value,
            Label().Matches(line.Groups["labels"].Value).ToDictionary(label => label.Groups[1].Value, label => label.Groups[2].Value),
            double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture))),
    ];

    private static double Value(List<Sample> samples, string name, params (string Name, string Value)[] labels)
    {
        var found = samples.Where(sample =>
            sample.Name == name && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)).ToList();
        Assert.That(found, Is.Not.Empty, name);
        return found.Sum(sample => sample.Value);
    }

    private static List<string> Queries(string path, Regex query)
    {
        var text = File.ReadAllText(Repository.File(path.Split('/')));
        return [.. query.Matches(text).Select(match => match.Groups[1].Value).Select(value => value.StartsWith('"') ? JsonDocument.Parse(value).RootElement.GetString()! : value)];
    }

    private static void ExpectKnown(List<Sample> samples, List<string> queries, int atLeast)
    {
        Assert.That(queries, Has.Count.GreaterThanOrEqualTo(atLeast));
        var metrics = samples.Select(sample => sample.Name).ToHashSet();
        foreach (var query in queries)
            Assert.That(MetricsOf(query), Is.Not.Empty.And.SubsetOf(metrics), query);
        var labels = samples.SelectMany(sample => sample.Labels.Keys).Concat(OwnLabels).ToHashSet();
        var used = queries.SelectMany(LabelsOf).Distinct().ToList();
        Assert.That(used, Has.Count.GreaterThan(3).And.SubsetOf(labels));
    }

    private static IEnumerable<string> MetricsOf(string query) =>
        Name().Matches(NoMetric().Replace(query, " ")).Select(name => name.Value).Except(Words);

    private static IEnumerable<string> LabelsOf(string query) => Selector().Matches(query).Select(label => label.Groups[1].Value)
        .Concat(Grouping().Matches(query).SelectMany(group => group.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries)));

    /// <summary>The tables have each metric of ours with its unit, and no other.</summary>
    private static void ExpectDocumented(OtlpReceiver collector)
    {
        var documented = MetricRow().Matches(File.ReadAllText(Repository.File("docs", "telemetry.md"))).Select(row => $"{row.Groups[1]} {row.Groups[2]}").ToList();

        // What has just happened is sent with the next export.
        Assert.That(Told, Is.EquivalentTo(documented).After(10_000, 50));

        IEnumerable<string> Told() => collector.Points
            .Where(point => point.Metric.StartsWith("chatapi.", StringComparison.Ordinal) || point.Metric.StartsWith("gen_ai.", StringComparison.Ordinal))
            .Select(point => $"{point.Metric} {point.Unit}").Distinct();
    }

    private sealed record Sample(string Name, Dictionary<string, string> Labels, double Value);

    [GeneratedRegex(@"^(?<name>[a-z]\w*)(\{(?<labels>.*)\})? (?<value>\S+)( \d+)?$", RegexOptions.Multiline)]
    private static partial Regex SampleLine();

    [GeneratedRegex("""(\w+)="((?:[^"\\]|\\.)*)"[,]?""")]
    private static partial Regex Label();

    [GeneratedRegex("""
        "expr": ("(?:[^"\\]|\\.)*")
        """)]
    private static partial Regex DashboardQuery();

    [GeneratedRegex(@"^ +expr: (?:>-\n)?((?:.+\n)(?: {10}.+\n)*)", RegexOptions.Multiline)]
    private static partial Regex AlertQuery();

    /// <summary>In a query, what names no metric: labels and their values, times, groupings, functions.</summary>
    [GeneratedRegex("""\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)|\w+ ?(?=\()|\w+ (?=by\b)""")]
    private static partial Regex NoMetric();

    [GeneratedRegex(@"(?<![\w.$])[a-z]\w*")]
    private static partial Regex Name();

    [GeneratedRegex(@"http_route!~""([^""]*)""")]
    private static partial Regex Excluded();

    [GeneratedRegex("""[{,] *(\w+) *(?:=~|!~|!=|=)""")]
    private static partial Regex Selector();

    [GeneratedRegex(@"\bby \(([^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"^\| `((?:chatapi|gen_ai)\.[a-z_.]+)` \| [a-z ]+ \| (\S+) \|", RegexOptions.Multiline)]
    private static partial Regex MetricRow();
}
