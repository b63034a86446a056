using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary>Nobody uses more than is allowed; whoever wants to is told when to come back.</summary>
public sealed class LimitTests
{
    [Test]
    public async Task One_question_too_many_is_refused_for_this_user_alone()
    {
        await using var world = await World.StartAsync("CHAT_LIMIT_TURNS_PER_MINUTE", "2");
        var user = ApiClient.NewUser(world.Server);
        for (var turn = 0; turn < 2; turn++)
            (await AskAsync(user)).Expect(HttpStatusCode.OK);
        AssertRefused(await AskAsync(user), 60);
        (await AskAsync(ApiClient.NewUser(world.Server))).Expect(HttpStatusCode.OK);
        Assert.That(world.Upstream.Calls, Has.Count.EqualTo(3), "What is refused is not asked.");
    }

    [Test]
    public async Task Of_replies_at_the_same_time_only_so_many_are_made_and_a_place_comes_free_again()
    {
        await using var world = await World.StartAsync("CHAT_LIMIT_CONCURRENT_RUNS", "2");
        var gate = new TaskCompletionSource();
        world.Upstream.Default = _ => ScriptedUpstreamReply.Stream().Delta("Hola").WaitFor(gate.Task).Finish().Done();
        var user = ApiClient.NewUser(world.Server);
        var answers = Enumerable.Range(0, 12).Select(_ => AskAsync(user)).ToList();
        await Poll.UntilAsync(() => answers.Count(answer => answer.IsCompleted) == 10, "ten refusals");
        gate.SetResult();
        var statuses = (await Task.WhenAll(answers)).Select(answer => answer.Status).ToList();
        Assert.That(statuses.Count(status => status == HttpStatusCode.OK), Is.EqualTo(2));
        Assert.That(statuses.Count(status => status == HttpStatusCode.TooManyRequests), Is.EqualTo(10));
        Assert.That(world.Upstream.Calls, Has.Count.EqualTo(2));
        (await AskAsync(user)).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task The_tokens_of_a_day_are_used_up()
    {
        await using var world = await World.StartAsync("CHAT_LIMIT_TOKENS_PER_DAY", "10");
        world.Upstream.Default = _ => ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Usage(9, 2).Done();
        var user = ApiClient.NewUser(world.Server);
        (await AskAsync(user)).Expect(HttpStatusCode.OK);
        AssertRefused(await AskAsync(user), 24 * 60 * 60);
        Assert.That(world.Upstream.Calls, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task One_request_too_many_is_refused()
    {
        await using var world = await World.StartAsync("CHAT_LIMIT_REQUESTS_PER_MINUTE", "3");
        var user = ApiClient.NewUser(world.Server);
        for (var request = 0; request < 3; request++)
            (await user.GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
        AssertRefused(await user.GetAsync("/api/chat/sessions"), 60);
        (await user.GetAsync("/health/live")).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task One_attempt_to_sign_in_too_many_is_refused()
    {
        await using var world = await World.StartAsync("CHAT_LIMIT_SIGN_INS_PER_MINUTE", "3");
        var nobody = ApiClient.Nobody(world.Server);
        var body = new { email = "ana@example.com", password = "wrong-password" };
        for (var attempt = 0; attempt < 3; attempt++)
            (await nobody.PostAsync("/api/auth/login", body)).ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");
        AssertRefused(await nobody.PostAsync("/api/auth/login", body), 60);
    }

    [Test]
    public async Task A_password_is_not_guessed_by_deleting_the_account()
    {
        await using var world = await World.StartAsync("CHAT_LIMIT_SIGN_INS_PER_MINUTE", "3");
        var body = new { email = "ana@example.com", password = "right-password" };
        var registered = (await ApiClient.Nobody(world.Server).PostAsync("/api/auth/register", body)).Expect(HttpStatusCode.Created);
        var user = new ApiClient(world.Server, Guid.Empty, registered["token"]);
        for (var attempt = 0; attempt < 2; attempt++)
            (await DeleteAsync("wrong-password")).ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");
        AssertRefused(await DeleteAsync("right-password"), 60);
        (await user.GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);

        Task<ApiAnswer> DeleteAsync(string password) => user.SendAsync(HttpMethod.Delete, "/api/auth/me", new { password });
    }

    [Test]
    public async Task Of_a_hundred_questions_together_a_budget_for_three_pays_for_three([Values(DatabaseKind.Sqlite, DatabaseKind.Postgres)] DatabaseKind database)
    {
        await using var world = await World.StartAsync(database, BudgetForThree);
        world.Upstream.Default = _ => Costly();
        var user = ApiClient.NewUser(world.Server);
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => AskAsync(user)));

        foreach (var refused in answers.Where(answer => answer.Status != HttpStatusCode.OK))
            AssertRefused(refused, 24 * 60 * 60);
        Assert.That(answers.Count(answer => answer.Status == HttpStatusCode.OK), Is.EqualTo(3));
        Assert.That(world.Upstream.Calls, Has.Count.EqualTo(3));
        var tokens = await TokensAsync(user);
        Assert.That((tokens.Used, tokens.Reserved, tokens.Remaining), Is.EqualTo((3300, 0, 0)));
    }

    [Test]
    public async Task Tokens_are_kept_for_a_reply_in_the_making_and_a_stopped_one_costs_what_it_is_estimated_at()
    {
        await using var world = await World.StartAsync(DatabaseKind.Sqlite, BudgetForThree);
        world.Upstream.Default = _ => ScriptedUpstreamReply.Stream().Role().Delta("Hola, ").Delta("¿qué tal?").Silence();
        var user = ApiClient.NewUser(world.Server);
        var session = await user.CreateSessionAsync();
        await using var reply = await user.StreamAsync(session, "Hola");
        await reply.UntilAsync(received => received.Type == "content");
        (await user.PostAsync($"/api/chat/realtime/sessions/{session}/stream", new { content = "¿Y?" })).ExpectProblem(HttpStatusCode.Conflict, "run_in_progress");
        var before = await TokensAsync(user);
        Assert.That((before.Used, before.Reserved), Is.EqualTo((0, before.Reserved)));
        Assert.That(before.Reserved, Is.InRange(1001, 1100), "for one reply, and not for the one that was refused");

        var stopped = (await user.PostAsync($"/api/chat/realtime/sessions/{session}/stop", null)).Expect(HttpStatusCode.OK);
        var usage = stopped.Json.GetProperty("usage");
        var after = await TokensAsync(user);
        Assert.That(usage.GetProperty("estimated").GetBoolean(), Is.True);
        Assert.That((after.Used, after.Reserved), Is.EqualTo((usage.GetProperty("total_tokens").GetInt64(), 0)));
        Assert.That(after.Used, Is.Positive);
    }

    [Test]
    public async Task A_conversation_that_is_deleted_gives_no_tokens_back()
    {
        await using var world = await World.StartAsync(DatabaseKind.Sqlite, BudgetForThree);
        world.Upstream.Default = _ => Costly();
        var user = ApiClient.NewUser(world.Server);
        var asked = (await AskAsync(user)).Expect(HttpStatusCode.OK);
        (await user.DeleteAsync($"/api/chat/sessions/{asked["session_id"]}")).Expect(HttpStatusCode.OK);
        Assert.That((await TokensAsync(user)).Used, Is.EqualTo(1100));
    }

    [Test]
    public async Task A_repetition_is_free()
    {
        await using var world = await World.StartAsync(DatabaseKind.Sqlite, new()
        {
            ["CHAT_LIMIT_REQUESTS_PER_MINUTE"] = "1",
            ["CHAT_LIMIT_TURNS_PER_MINUTE"] = "1",
            ["CHAT_LIMIT_CONCURRENT_RUNS"] = "1",
            ["CHAT_LIMIT_TOKENS_PER_DAY"] = "1100",
            ["CHAT_MAX_OUTPUT_TOKENS"] = "1000",
        });
        world.Upstream.Default = _ => Costly();
        var user = ApiClient.NewUser(world.Server);
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => AskAsync(user, "clave")));

        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.OK));
        Assert.That(answers.Count(answer => answer.Header("Idempotency-Replayed") == "true"), Is.EqualTo(29));
        Assert.That(world.Upstream.Calls, Has.Count.EqualTo(1));
        AssertRefused(await AskAsync(user, "otra"), 24 * 60 * 60);
    }

    [Test]
    public async Task Requests_to_ask_that_come_to_nothing_are_counted_too()
    {
        await using var world = await World.StartAsync("CHAT_LIMIT_REQUESTS_PER_MINUTE", "4");
        var user = ApiClient.NewUser(world.Server);
        (await user.PostAsync("/api/chat", new { content = "" })).ExpectProblem(HttpStatusCode.BadRequest, "content_required");
        (await user.PostRawAsync("/api/chat", "{")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");
        (await user.PostRawAsync("/api/chat", "x", "text/plain")).ExpectProblem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        var session = Guid.CreateVersion7();
        (await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "assistant", content = "Hola" })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        AssertRefused(await user.PostAsync("/api/chat", new { content = "" }), 60);
        AssertRefused(await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "assistant", content = "Hola" }), 60);
    }

    [Test]
    public async Task Answers_say_how_the_limits_stand()
    {
        await using var world = await World.StartAsync(DatabaseKind.Sqlite, new()
        {
            ["CHAT_LIMIT_REQUESTS_PER_MINUTE"] = "3",
            ["CHAT_LIMIT_TURNS_PER_MINUTE"] = "1",
            ["CHAT_LIMIT_CONCURRENT_RUNS"] = "2",
            ["CHAT_LIMIT_TOKENS_PER_DAY"] = "5000",
            ["CHAT_LIMIT_SIGN_INS_PER_MINUTE"] = "10",
        });
        var user = ApiClient.NewUser(world.Server);
        var list = (await user.GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
        Assert.That(list.Header("RateLimit-Policy"), Is.EqualTo("\"requests\";q=3;w=60"));
        Assert.That(list.Header("RateLimit"), Is.EqualTo("\"requests\";r=2;t=60"));

        var asked = (await AskAsync(user)).Expect(HttpStatusCode.OK);
        Assert.That(
            asked.Header("RateLimit-Policy"),
            Is.EqualTo("\"requests\";q=3;w=60, \"turns\";q=1;w=60, \"runs\";q=2;qu=\"concurrent-requests\", \"tokens\";q=5000;w=86400;qu=\"tokens\""));
        Assert.That(
            asked.Header("RateLimit"),
            Does.Match("""^"requests";r=1;t=(60|[1-5]?\d), "turns";r=0;t=(60|5\d), "runs";r=1, "tokens";r=29\d\d;t=\d{1,5}$"""));

        var refused = await AskAsync(user);
        AssertRefused(refused, 60);
        Assert.That(refused.Header("RateLimit"), Does.Contain("\"turns\";r=0;t=" + refused.Header("Retry-After")));
        Assert.That((await user.GetAsync("/health/live")).Header("RateLimit"), Is.Null);

        var signIn = await ApiClient.Nobody(world.Server).PostAsync("/api/auth/login", new { email = "ana@example.com", password = "wrong" });
        Assert.That(signIn.Header("RateLimit"), Does.Contain("\"sign-ins\";r=9;t=60").And.Not.Contain("failures"));
    }

    private static Dictionary<string, string?> BudgetForThree => new()
    {
        ["CHAT_LIMIT_CONCURRENT_RUNS"] = "0",
        ["CHAT_MAX_OUTPUT_TOKENS"] = "1000",
        ["CHAT_LIMIT_TOKENS_PER_DAY"] = "3300",
    };

    /// <summary>A reply that costs a third of the budget for three.</summary>
    private static ScriptedUpstreamReply Costly() => ScriptedUpstreamReply.Stream().Delta("Hola").Delay(300).Finish().Usage(100, 1000).Done();

    private static async Task<(long Used, long Reserved, long Remaining)> TokensAsync(ApiClient user)
    {
        var tokens = (await user.GetAsync("/api/chat/usage")).Expect(HttpStatusCode.OK).Json.GetProperty("limits").GetProperty("tokens");
        return (tokens.GetProperty("used").GetInt64(), tokens.GetProperty("reserved").GetInt64(), tokens.GetProperty("remaining").GetInt64());
    }

    private static Task<ApiAnswer> AskAsync(ApiClient user, string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { content = "Hola" }, ApiClient.JsonType) };
        request.Headers.Add("Idempotency-Key", key);
        return user.SendAsync(request);
    }

    private static Task<ApiAnswer> AskAsync(ApiClient user) => user.PostAsync("/api/chat", new { content = "Hola" });

    private static void AssertRefused(ApiAnswer answer, int longestWait)
    {
        answer.ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.That(int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture), Is.InRange(1, longestWait));
    }

    /// <summary>A server with some limits, and a model of its own.</summary>
    private sealed class World(ScriptedUpstream upstream, ChatApiProcess server) : IAsyncDisposable
    {
        public ScriptedUpstream Upstream => upstream;

        public ChatApiProcess Server => server;

        public static Task<World> StartAsync(string limit, string value) => StartAsync(DatabaseKind.Sqlite, new() { [limit] = value });

        public static async Task<World> StartAsync(DatabaseKind database, Dictionary<string, string?> limits)
        {
            var upstream = ScriptedUpstream.Start();
            var postgres = database == DatabaseKind.Postgres ? await ChatApiEnvironment.PostgresAsync() : null;
            var settings = ChatApiEnvironment.Settings(upstream, postgres?.Url(await postgres.CreateDatabaseAsync()));
            foreach (var (name, value) in limits)
                settings[name] = value;
            return new(upstream, await ChatApiProcess.StartAsync(settings));
        }

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync();
            await upstream.DisposeAsync();
        }
    }
}
