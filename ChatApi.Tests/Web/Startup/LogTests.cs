using System.Net;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Startup;

/// <summary>Words and secrets stay out of the log.</summary>
[Parallelizable(ParallelScope.All)]
public sealed partial class LogTests
{
    [TestCase("Production")]
    [TestCase("Development")]
    public async Task The_log_has_neither_keys_nor_what_people_say(string environmentName)
    {
        await using var upstream = ScriptedUpstream.Start();
        var settings = ChatApiEnvironment.Settings(upstream);
        settings["ASPNETCORE_ENVIRONMENT"] = environmentName;
        settings["CHAT_SYSTEM_PROMPT"] = "canary-system-prompt";
        await using var server = await ChatApiProcess.StartAsync(settings);
        var nobody = ApiClient.Nobody(server);
        var registered = await nobody.PostAsync("/api/auth/register", new { email = "ana@example.com", password = "canary-password" });
        var token = registered.Expect(HttpStatusCode.Created)["token"];
        var user = new ApiClient(server, Guid.Empty, token);

        upstream.Reply("canary-", "reply").Fail(401, ScriptedUpstreamReply.Error("canary-upstream")).Script(reply => reply.Delta("canary-half").Reset());
        var session = await user.CreateSessionAsync("canary-title");
        await using var good = await user.StreamAsync(session, "canary-question");
        await good.ReadToEndAsync();
        await using var refused = await user.StreamAsync(session, "canary-question");
        await refused.ReadToEndAsync();
        await using var broken = await user.StreamAsync(session, "canary-question");
        await broken.ReadToEndAsync();
        (await nobody.PostAsync("/api/auth/login", new { email = "ana@example.com", password = "canary-wrong" })).Expect(HttpStatusCode.Unauthorized);
        await nobody.PostAsync("/api/auth/register", new { email = "ana@example.com", password = "canary-password" });
        await user.PostRawAsync("/api/chat", """{"content":"canary-broken""");
        await user.GetAsync("/api/chat/sessions?limit=canary-limit");
        await new ApiClient(server, Guid.Empty, token + "x").GetAsync("/api/chat/sessions");
        await server.StopAsync();

        Assert.That(good.Content, Is.EqualTo("canary-reply"));
        Assert.That((refused.Last.Type, broken.Last.Type), Is.EqualTo(("error", "error")));
        foreach (var secret in new[] { "canary", token, token.Split('.')[2], TestTokens.Key })
            Assert.That(server.Output, Does.Not.Contain(secret));
    }

    [TestCase("text")]
    [TestCase("json")]
    public async Task Each_request_is_a_line_with_what_an_operator_asks_for_and_nothing_that_people_wrote(string format)
    {
        await using var upstream = ScriptedUpstream.Start();
        var settings = ChatApiEnvironment.Settings(upstream);
        settings["LOG_FORMAT"] = format;
        await using var server = await ChatApiProcess.StartAsync(settings);
        var user = ApiClient.NewUser(server);
        var session = await user.CreateSessionAsync("canary-title");
        await user.GetAsync($"/api/chat/sessions/{session}?x=canary-query");
        await user.GetAsync($"/api/chat/sessions/{Guid.NewGuid()}");
        await user.GetAsync("/canary-path");
        await user.GetAsync("/health/live");
        await user.SendAsync(new HttpMethod("CANARY"), "/api/chat");
        await ApiClient.Nobody(server).GetAsync("/api/chat/sessions");
        await using var reply = await user.StreamAsync(session, "canary-question", ("X-Request-ID", "trace-of-the-stream"));
        await reply.ReadToEndAsync();
        await server.StopAsync();

        var lines = server.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var requests = lines.Where(line => line.Contains("ChatApi.Web.Hosting.RequestLog", StringComparison.Ordinal))
            .Select(line => format == "json" ? FromJson(line) : FromText(line)).ToList();
        Assert.That(requests.Select(request => $"{request.Method} {request.Route} {request.Status} {request.User}"), Is.EqualTo(new[]
        {
            $"POST /api/chat/sessions 201 {user.UserId}",
            $"GET /api/chat/sessions/{{id}} 200 {user.UserId}",
            $"GET /api/chat/sessions/{{id}} 404 {user.UserId}",
            $"GET /* 404 {user.UserId}",
            $"OTHER /* 405 {user.UserId}",
            "GET /api/chat/sessions 401 nobody",
            $"POST /api/chat/realtime/sessions/{{id}}/stream 200 {user.UserId}",
        }));
        Assert.That(requests[^1].Trace, Is.EqualTo("trace-of-the-stream"));
        Assert.That(server.Output, Does.Not.Contain("canary").IgnoreCase);
        Assert.That(lines.Single(line => line.Contains($"Run {reply.RunId} in session {session} for user {user.UserId} ended as", StringComparison.Ordinal)),
            Does.Match(@"ended as Completed after \d+ ms with 11 tokens"));
    }

    [Test]
    public async Task As_json_every_line_is_an_object()
    {
        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?> { ["LOG_FORMAT"] = "json", ["JWT_SECRET_KEY"] = TestTokens.Key });
        await ApiClient.NewUser(server).CreateSessionAsync();
        await server.StopAsync();

        var lines = server.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.GreaterThan(1));
        foreach (var line in lines)
            Assert.That(JsonDocument.Parse(line).RootElement.GetProperty("Message").GetString(), Is.Not.Empty, line);
        Assert.That(lines[0], Does.Contain("ChatApi is listening on"));
    }

    [Test, UnsupportedOSPlatform("windows")]
    public async Task A_log_that_nobody_takes_stops_no_answer()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.File(".env"), "");
        var port = ServerPrograms.FreePort();
        await ChildProcess.RunAsync("mkfifo", [directory.File("log")], directory.Path);

        // A pipe that this end keeps open and nobody reads is full after 64 KB.
        await using var server = ChildProcess.Start("sh", ["-c", "exec dotnet \"$0\" 1<>log", ChatApiProcess.ProgramPath], directory.Path, new Dictionary<string, string?>
        {
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            ["JWT_SECRET_KEY"] = TestTokens.Key,
        });
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(20) };
        await Poll.UntilAsync(async () => await IsReadyAsync(client), "readiness");

        // Each leaves a line of 150 characters and more.
        for (var request = 0; request < 1500; request++)
        {
            using var answer = await client.GetAsync("/api/nothing");
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound).Or.EqualTo(HttpStatusCode.TooManyRequests));
        }
    }

    [Test]
    public async Task What_goes_wrong_is_in_the_log()
    {
        await using var upstream = ScriptedUpstream.Start();
        await using var server = await ChatApiProcess.StartAsync(ChatApiEnvironment.Settings(upstream));
        upstream.Fail(401, "{}");

        (await ApiClient.NewUser(server).PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.BadGateway);

        await Poll.UntilAsync(() => server.Output.Contains("upstream_misconfigured", StringComparison.Ordinal), "a line about it");
    }

    private static async Task<bool> IsReadyAsync(HttpClient client)
    {
        try
        {
            using var answer = await client.GetAsync("/health/ready");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static LoggedRequest FromText(string line)
    {
        var match = RequestLine().Match(line);
        Assert.That(match.Success, line);
        return new(match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value, match.Groups[4].Value, match.Groups[5].Value);
    }

    private static LoggedRequest FromJson(string line)
    {
        var state = JsonDocument.Parse(line).RootElement.GetProperty("State");
        Assert.That(state.GetProperty("Milliseconds").GetInt64(), Is.GreaterThanOrEqualTo(0));
        return new(Text("Method"), "/" + Text("Route"), Text("Status"), Text("UserId"), Text("TraceId"));

        string Text(string name) => state.GetProperty(name).ToString();
    }

    private sealed record LoggedRequest(string Method, string Route, string Status, string User, string Trace);

    [GeneratedRegex(@"\] (\w+) (/\S*) was answered with (\d+) after \d+ ms, user (\S+), trace (\S+)$")]
    private static partial Regex RequestLine();
}
