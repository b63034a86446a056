using System.Globalization;
using System.Net;
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

    private static Task<ApiAnswer> AskAsync(ApiClient user) => user.PostAsync("/api/chat", new { content = "Hola" });

    private static void AssertRefused(ApiAnswer answer, int longestWait)
    {
        answer.ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.That(int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture), Is.InRange(1, longestWait));
    }

    /// <summary>A server with one limit, and a model of its own.</summary>
    private sealed class World(ScriptedUpstream upstream, ChatApiProcess server) : IAsyncDisposable
    {
        public ScriptedUpstream Upstream => upstream;

        public ChatApiProcess Server => server;

        public static async Task<World> StartAsync(string limit, string value)
        {
            var upstream = ScriptedUpstream.Start();
            var settings = ChatApiEnvironment.Settings(upstream);
            settings[limit] = value;
            return new(upstream, await ChatApiProcess.StartAsync(settings));
        }

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync();
            await upstream.DisposeAsync();
        }
    }
}
