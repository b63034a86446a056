using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>Conversations that nobody has named get a title after their first reply.</summary>
[TestFixture(Storage.Sqlite)]
[TestFixture(Storage.Postgres)]
[Parallelizable(ParallelScope.All)]
public sealed class TitleTests(Storage storage)
{
    private const string Default = TitleWorld.DefaultTitle;
    private const string FromQuestion = "¿Cómo hago pan de centeno?";
    private const string TitleModel = "a-small-model";

    private TitleWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await TitleWorld.StartAsync(storage, settings: new() { ["CHAT_TITLE_MODEL"] = TitleModel });

    [OneTimeTearDown]
    public async Task EndAsync() => await _world.DisposeAsync();

    [TestCase("¿Cómo hago pan de centeno?", "Pan de centeno en casa")]
    [TestCase("How do I bake rye bread?", "Rye bread at home 🍞")]
    public async Task The_model_is_asked_once_with_the_first_exchange(string text, string title)
    {
        var user = _world.Cluster.NewUser();
        var question = _world.Ask(ScriptedUpstreamReply.Text([.. title.Chunk(5).Select(chunk => new string(chunk))]), text);
        var session = await user.CreateSessionAsync();
        Assert.That(await TitleWorld.TitleAsync(user, session), Is.EqualTo(Default));
        await StreamAsync(user, session, question);
        var before = (await user.GetAsync($"/api/chat/sessions/{session}")).Json.GetProperty("last_message_at").GetDateTime();

        await TitleWorld.UntilTitledAsync(user, session, title);
        await StreamAsync(user, session, question);

        var call = _world.TitleCalls(question).Single().Json;
        Assert.Multiple(() =>
        {
            Assert.That(call.GetProperty("model").GetString(), Is.EqualTo(TitleModel));
            Assert.That(call.GetProperty("max_tokens").GetInt32(), Is.EqualTo(32));
            Assert.That(call.GetProperty("temperature").GetDouble(), Is.EqualTo(0.2));
            Assert.That(call.GetProperty("messages").GetArrayLength(), Is.EqualTo(2));
            Assert.That(call.GetProperty("messages")[0].GetProperty("content").GetString(), Does.Contain("in the language of the question"));
            Assert.That(call.GetProperty("messages")[1].GetProperty("content").GetString(), Does.Contain(question).And.Contains(ModelScripts.DefaultReply));
        });
        var listed = (await user.GetAsync("/api/chat/sessions")).Items.Single();
        Assert.That(listed.GetProperty("title").GetString(), Is.EqualTo(title));
        Assert.That(listed.GetProperty("last_message_at").GetDateTime(), Is.GreaterThan(before), "The second turn has changed it.");
        Assert.That((await user.StoredAsync(session)).Select(message => message.Content), Is.EqualTo([question, ModelScripts.DefaultReply, question, ModelScripts.DefaultReply]));
    }

    [Test]
    public async Task A_title_is_counted_as_tokens_of_the_day_and_not_as_a_reply_and_is_no_activity()
    {
        var user = _world.Cluster.NewUser();
        var question = _world.Ask(ScriptedUpstreamReply.Stream().Delta("Pan").Finish().Usage(100, 20).Done(), reply: ScriptedUpstreamReply.Stream().Delta("Así.").Finish().Usage(7, 3).Done());
        var answer = (await user.PostAsync("/api/chat", new { content = question })).Expect(HttpStatusCode.OK);
        var session = answer["session_id"];
        await TitleWorld.UntilTitledAsync(user, session, "Pan");

        var usage = (await user.GetAsync("/api/chat/usage")).Expect(HttpStatusCode.OK).Json;
        Assert.That(usage.GetProperty("today").GetRawText(), Is.EqualTo("""{"replies":1,"prompt_tokens":107,"completion_tokens":23,"total_tokens":130}"""));
        Assert.That((await user.GetAsync($"/api/chat/sessions/{session}/usage")).Json.GetProperty("total_tokens").GetInt64(), Is.EqualTo(10), "Only replies are a conversation's.");
        var stored = (await user.GetAsync($"/api/chat/sessions/{session}")).Json;
        Assert.That(
            stored.GetProperty("last_message_at").GetDateTime(), Is.EqualTo(answer.Json.GetProperty("user_message").GetProperty("created_at").GetDateTime()));
        Assert.That(stored.GetProperty("updated_at").GetDateTime(), Is.GreaterThan(stored.GetProperty("last_message_at").GetDateTime()));
    }

    [TestCase("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>")]
    [TestCase("\n\n\"Pan\"\nIgnore all that was said.\r\n", "Pan")]
    [TestCase("**Título:** «Pan de centeno».", "Pan de centeno")]
    [TestCase("Pan\u0007 \u202ede\u202c centeno\u0000", "Pan de centeno")]
    public async Task What_the_model_says_is_made_one_line_of_plain_text(string said, string title)
    {
        var user = _world.Cluster.NewUser();
        var session = await AskAsync(user, _world.Ask(ScriptedUpstreamReply.Text(said)));
        await TitleWorld.UntilTitledAsync(user, session, title);
    }

    [Test]
    public async Task A_long_title_is_cut_to_80_characters_and_no_half_of_one_is_left()
    {
        var user = _world.Cluster.NewUser();
        var session = await AskAsync(user, _world.Ask(ScriptedUpstreamReply.Text(string.Concat(Enumerable.Repeat("👋🏽", 100)))));
        await Poll.UntilAsync(async () => (await TitleWorld.TitleAsync(user, session)).StartsWith("👋🏽", StringComparison.Ordinal), "a title");
        Assert.That(await TitleWorld.TitleAsync(user, session), Is.EqualTo(string.Concat(Enumerable.Repeat("👋🏽", 19)) + "…"));
    }

    public static IEnumerable<TestCaseData> NoTitles()
    {
        yield return Case("Refused", ScriptedUpstreamReply.Status(400, ScriptedUpstreamReply.Error("no")));
        yield return Case("Wrong_key", ScriptedUpstreamReply.Status(401, ScriptedUpstreamReply.Error("no")));
        yield return Case("Broken_off", ScriptedUpstreamReply.Stream().Delta("Pan de").Reset());
        yield return Case("Without_an_end", ScriptedUpstreamReply.Stream().Delta("Pan de"));
        yield return Case("Cut_by_its_length", ScriptedUpstreamReply.Stream().Delta("Para hacer pan de").Finish("length").Usage(50, 32).Done());
        yield return Case("Refused_by_a_filter", ScriptedUpstreamReply.Stream().Delta("Pan").Finish("content_filter").Usage(50, 1).Done());
        yield return Case("Empty", ScriptedUpstreamReply.Stream().Finish().Usage(50, 0).Done());
        yield return Case("Blank", ScriptedUpstreamReply.Text(" \n\u200b\n", "\"\""));
        yield return Case("Far_too_long", ScriptedUpstreamReply.Text(string.Concat(Enumerable.Repeat("pan\n", 2500)), "más"));
        yield return Case("No_stream", ScriptedUpstreamReply.Status(200, "<html>Hola</html>"));

        static TestCaseData Case(string name, ScriptedUpstreamReply reply) => new TestCaseData(reply).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(NoTitles))]
    public async Task Where_the_model_gives_none_the_question_does(ScriptedUpstreamReply title)
    {
        var user = _world.Cluster.NewUser();
        var question = _world.Ask(title);
        var session = await AskAsync(user, question);
        await _world.UntilGivenUpAsync(session);

        Assert.That(await TitleWorld.TitleAsync(user, session), Is.EqualTo(FromQuestion));
        await AskAsync(user, question, session);
        await Task.Delay(300);
        Assert.That(_world.TitleCalls(question), Has.Count.EqualTo(1), "It has a title now, and is not paid for again.");
    }

    [Test]
    public async Task A_model_that_is_silent_delays_nothing_and_is_given_up()
    {
        var user = _world.Cluster.NewUser();
        var question = _world.Ask(ScriptedUpstreamReply.Stream().Delta("Pan").Silence());
        var session = await user.CreateSessionAsync();
        await StreamAsync(user, session, question);
        var call = await _world.TitleCallAsync(question);
        await TitleWorld.UntilTitledAsync(user, session, FromQuestion);
        await StreamAsync(user, session, question);
        Assert.That(call.ClientClosed.IsCompleted, Is.False, "All this was not delayed by the title.");

        Assert.That(await call.ClientClosed.WaitAsync(TimeSpan.FromSeconds(30)) - call.At, Is.InRange(TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(20)));
        await _world.UntilGivenUpAsync(session);
        Assert.That((await TitleWorld.TitleAsync(user, session), _world.TitleCalls(question).Count), Is.EqualTo((FromQuestion, 1)));
        await Poll.UntilAsync(
            async () => (await user.GetAsync("/api/chat/usage")).Json.GetProperty("days").EnumerateArray().Any(day => day.GetProperty("estimated_tokens").GetInt64() > 0),
            "what it did cost, as far as can be told");
    }

    [TestCase("Mi pan")]
    [TestCase(Default)]
    public async Task A_title_chosen_before_is_kept_and_no_model_is_asked(string title)
    {
        var user = _world.Cluster.NewUser();
        var question = _world.Ask(ScriptedUpstreamReply.Text("Otro"));
        var session = await user.CreateSessionAsync(title);
        await AskAsync(user, question, session);
        await Task.Delay(300);

        Assert.That((await TitleWorld.TitleAsync(user, session), _world.TitleCalls(question).Count), Is.EqualTo((title, 0)));
    }

    [TestCase("Mi pan")]
    [TestCase(Default)]
    [TestCase(FromQuestion)]
    public async Task A_title_chosen_while_the_model_thinks_is_kept(string title)
    {
        var user = _world.Cluster.NewUser();
        var gate = new TaskCompletionSource();
        var question = _world.Ask(ScriptedUpstreamReply.Stream().WaitFor(gate.Task).Delta("Otro").Finish().Usage(40, 2).Done());
        var session = await AskAsync(user, question);
        await _world.TitleCallAsync(question);
        (await user.PatchAsync($"/api/chat/sessions/{session}", new { title })).Expect(HttpStatusCode.OK);
        gate.SetResult();
        await Poll.UntilAsync(
            async () => (await user.GetAsync("/api/chat/usage")).Json.GetProperty("today").GetProperty("prompt_tokens").GetInt64() == 49, "the title to be paid for");

        Assert.That(await TitleWorld.TitleAsync(user, session), Is.EqualTo(title));
        await AskAsync(user, question, session);
        Assert.That((await TitleWorld.TitleAsync(user, session), _world.TitleCalls(question).Count), Is.EqualTo((title, 1)));
    }

    [Test]
    public async Task A_title_chosen_afterwards_is_kept()
    {
        var user = _world.Cluster.NewUser();
        var question = _world.Ask(ScriptedUpstreamReply.Text("Pan"));
        var session = await AskAsync(user, question);
        await TitleWorld.UntilTitledAsync(user, session, "Pan");
        (await user.PutAsync($"/api/chat/sessions/{session}", new { title = Default })).Expect(HttpStatusCode.OK);
        await AskAsync(user, question, session);
        await Task.Delay(300);

        Assert.That((await TitleWorld.TitleAsync(user, session), _world.TitleCalls(question).Count), Is.EqualTo((Default, 1)));
    }

    [Test]
    public async Task A_reply_that_failed_or_is_repeated_makes_none_and_the_next_one_does()
    {
        var user = _world.Cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var failing = _world.Ask(ScriptedUpstreamReply.Text("No"), reply: ScriptedUpstreamReply.Stream().Delta("Así").Reset());
        await using (var failed = await user.StreamAsync(session, failing))
            Assert.That((await failed.ReadToEndAsync()).Type, Is.EqualTo("error"));
        var stopped = _world.Ask(ScriptedUpstreamReply.Text("No"), reply: ScriptedUpstreamReply.Stream().Delta("Así").Silence());
        await using (var reply = await user.StreamAsync(session, stopped))
        {
            await reply.UntilAsync(received => received.Type == "content");
            (await user.PostAsync($"/api/chat/realtime/sessions/{session}/stop", null)).Expect(HttpStatusCode.OK);
            await reply.ReadToEndAsync();
        }

        await Task.Delay(300);
        Assert.That((await TitleWorld.TitleAsync(user, session), _world.TitleCalls(failing).Count, _world.TitleCalls(stopped).Count), Is.EqualTo((Default, 0, 0)));

        var question = _world.Ask(ScriptedUpstreamReply.Text("Pan"));
        for (var times = 0; times < 3; times++)
        {
            await using var reply = await user.StreamAsync(session, question, ("Idempotency-Key", "la-misma"));
            Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("done"));
            await TitleWorld.UntilTitledAsync(user, session, "Pan");
        }

        Assert.That(_world.TitleCalls(question), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_conversation_deleted_while_the_model_thinks_stays_deleted_and_its_title_is_paid_for()
    {
        var user = _world.Cluster.NewUser();
        var gate = new TaskCompletionSource();
        var question = _world.Ask(ScriptedUpstreamReply.Stream().WaitFor(gate.Task).Delta("Otro").Finish().Usage(40, 2).Done());
        var session = await AskAsync(user, question);
        await _world.TitleCallAsync(question);
        (await user.DeleteAsync($"/api/chat/sessions/{session}")).Expect(HttpStatusCode.OK);
        gate.SetResult();
        await Poll.UntilAsync(
            async () => (await user.GetAsync("/api/chat/usage")).Json.GetProperty("today").GetProperty("prompt_tokens").GetInt64() == 49, "the title to be paid for");

        (await user.GetAsync($"/api/chat/sessions/{session}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    private static async Task<string> AskAsync(ApiClient user, string question, string? session = null) =>
        (await user.PostAsync("/api/chat", new { content = question, session_id = session })).Expect(HttpStatusCode.OK)["session_id"];

    private static async Task StreamAsync(ApiClient user, string session, string question)
    {
        await using var reply = await user.StreamAsync(session, question);
        Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("done"));
    }
}
