using System.Diagnostics;
using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>Titles where processes end, share a conversation, or may not ask.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TitleFaultTests
{
    private const string FromQuestion = "¿Cómo hago pan de centeno?";

    [Test]
    public async Task Two_replicas_and_a_kill_leave_one_call_and_the_title_of_the_question()
    {
        await using var world = await TitleWorld.StartAsync(Storage.Postgres, replicas: 2);
        var user = world.Cluster.NewUser();
        var question = world.Ask(ScriptedUpstreamReply.Stream().Silence());
        var session = await user.CreateSessionAsync();
        await AskAsync(user, session, question);
        await world.TitleCallAsync(question);
        var elsewhere = world.Cluster.On(1, user);
        await AskAsync(elsewhere, session, question);

        world.Cluster.Replicas[0].Kill();
        await AskAsync(elsewhere, session, question);
        await Task.Delay(500);

        Assert.That((await TitleWorld.TitleAsync(elsewhere, session), world.TitleCalls(question).Count), Is.EqualTo((FromQuestion, 1)));
    }

    [Test]
    public async Task A_shutdown_waits_for_no_title_and_those_of_the_last_replies_are_still_made([Values(Storage.Sqlite, Storage.Postgres)] Storage storage)
    {
        await using var world = await TitleWorld.StartAsync(storage);
        var user = world.Cluster.NewUser();
        var asking = world.Ask(ScriptedUpstreamReply.Stream().Silence());
        var titled = await user.CreateSessionAsync();
        await AskAsync(user, titled, asking);
        await world.TitleCallAsync(asking);
        var last = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();
        var question = world.Ask(ScriptedUpstreamReply.Text("Otro"), reply: ScriptedUpstreamReply.Stream().Delta("Así").WaitFor(gate.Task).Delta(".").Finish().Usage(5, 2).Done());
        await using var reply = await user.StreamAsync(last, question);
        await reply.UntilAsync(received => received.Type == "content");

        world.Cluster.Replicas[0].Terminate();
        await Poll.UntilAsync(async () => (await user.GetAsync("/health/ready")).Status == HttpStatusCode.ServiceUnavailable, "the shutdown");
        var watch = Stopwatch.StartNew();
        gate.SetResult();
        Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("done"));
        Assert.That(await world.Cluster.Replicas[0].WaitForExitAsync(), Is.Zero);
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(8)));

        await world.Cluster.RestartAsync(0);
        user = world.Cluster.On(0, user);
        Assert.That((await TitleWorld.TitleAsync(user, titled), await TitleWorld.TitleAsync(user, last)), Is.EqualTo((FromQuestion, FromQuestion)));
        Assert.That((world.TitleCalls(asking).Count, world.TitleCalls(question).Count), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task Who_has_no_tokens_left_gets_the_title_of_the_question_and_what_a_title_cost_is_not_there_any_more()
    {
        await using var world = await TitleWorld.StartAsync(Storage.Sqlite, settings: new() { ["CHAT_LIMIT_TOKENS_PER_DAY"] = "3000", ["CHAT_MAX_OUTPUT_TOKENS"] = "100" });
        var user = world.Cluster.NewUser();
        var dear = world.Ask(ScriptedUpstreamReply.Stream().Delta("Pan").Finish().Usage(1900, 100).Done());
        var session = await user.CreateSessionAsync();
        await AskAsync(user, session, dear);
        await TitleWorld.UntilTitledAsync(user, session, "Pan");
        await Poll.UntilAsync(async () => await UsedAsync() > 2000, "the title among the tokens used");

        var all = world.Ask(ScriptedUpstreamReply.Text("Otro"), reply: ScriptedUpstreamReply.Stream().Delta("Así").Finish().Usage(900, 90).Done());
        session = await user.CreateSessionAsync();
        await AskAsync(user, session, all);
        await TitleWorld.UntilTitledAsync(user, session, FromQuestion);
        await Task.Delay(300);
        Assert.That(world.TitleCalls(all), Is.Empty);
        Assert.That((await user.PostAsync("/api/chat", new { content = dear })).Status, Is.EqualTo(HttpStatusCode.TooManyRequests));

        async Task<long> UsedAsync() => (await user.GetAsync("/api/chat/usage")).Json.GetProperty("limits").GetProperty("tokens").GetProperty("used").GetInt64();
    }

    [TestCase("heuristic", FromQuestion)]
    [TestCase("off", TitleWorld.DefaultTitle)]
    public async Task The_model_is_not_asked_where_the_operator_does_not_want_it(string titles, string title)
    {
        await using var world = await TitleWorld.StartAsync(Storage.Sqlite, settings: new() { ["CHAT_TITLES"] = titles });
        var user = world.Cluster.NewUser();
        var question = world.Ask(ScriptedUpstreamReply.Text("Otro"));
        var session = await user.CreateSessionAsync();
        await AskAsync(user, session, question);
        await TitleWorld.UntilTitledAsync(user, session, title);
        await Task.Delay(300);
        Assert.That((await TitleWorld.TitleAsync(user, session), world.TitleCalls(question).Count), Is.EqualTo((title, 0)));
    }

    [Test]
    public async Task The_demo_assistant_is_not_asked()
    {
        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?> { ["JWT_SECRET_KEY"] = TestTokens.Key, ["DEMO_WORD_DELAY_MS"] = "0" });
        var user = ApiClient.NewUser(server);
        var session = await user.CreateSessionAsync();
        await AskAsync(user, session, FromQuestion);
        await TitleWorld.UntilTitledAsync(user, session, FromQuestion);
        Assert.That((await user.GetAsync("/api/chat/usage")).Json.GetProperty("days").EnumerateArray().Single().GetProperty("estimated_tokens").GetInt64(), Is.Zero);
    }

    private static async Task AskAsync(ApiClient user, string session, string question) =>
        (await user.PostAsync("/api/chat", new { content = question, session_id = session })).Expect(HttpStatusCode.OK);
}
