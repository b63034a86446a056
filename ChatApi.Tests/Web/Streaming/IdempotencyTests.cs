using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Streaming;

/// <summary>A request that is sent twice under one key is one request: one reply, one bill.</summary>
public sealed class IdempotencyTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Header = "Idempotency-Key";

    [Test]
    public async Task A_stream_that_is_asked_for_again_after_its_end_is_shown_again()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var (key, question) = (NewKey(), ModelScripts.NewQuestion());
        await using var first = await user.StreamAsync(session, question, (Header, key));
        var end = await first.ReadToEndAsync();

        await using var second = await user.StreamAsync(session, question, (Header, key));
        var again = await second.ReadToEndAsync();

        Assert.That(first.Response.Headers.Contains("Idempotency-Replayed"), Is.False);
        Assert.That(second.Response.Headers.GetValues("Idempotency-Replayed"), Is.EqualTo(["true"]));
        Assert.That((second.RunId, second.Content, again["full_content"]), Is.EqualTo((first.RunId, first.Content, end["full_content"])));
        Assert.That(again.Json.ToString(), Is.EqualTo(end.Json.ToString()));
        Assert.That(Model.CallsFor(question), Has.Count.EqualTo(1));
        Assert.That(await user.StoredAsync(session), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_stream_that_is_asked_for_again_while_it_runs_is_joined()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("uno ").WaitFor(gate.Task).Delta("dos").Finish().Done());
        var key = NewKey();
        await using var first = await user.StreamAsync(session, question, (Header, key));
        await first.UntilAsync(received => received.Type == "content");

        await using var second = await user.StreamAsync(session, question, (Header, key));
        gate.SetResult();
        await first.ReadToEndAsync();
        await second.ReadToEndAsync();

        Assert.That((first.Content, second.Content, second.RunId), Is.EqualTo(("uno dos", "uno dos", first.RunId)));
        Assert.That(Model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [TestCase("/api/chat", true)]
    [TestCase("/api/chat", false)]
    [TestCase("messages", true)]
    public async Task A_whole_reply_that_is_asked_for_again_is_the_same(string door, bool inSession)
    {
        var user = NewUser();
        var session = inSession ? await user.CreateSessionAsync() : null;
        var question = ModelScripts.NewQuestion();
        var (path, body) = door == "messages"
            ? ($"/api/chat/sessions/{session}/messages", (object)new { role = "user", content = question })
            : (door, new { content = question, session_id = session });
        var key = NewKey();

        var first = await PostAsync(user, path, body, key);
        var second = await PostAsync(user, path, body, key);

        Assert.That(first.Status, Is.EqualTo(door == "messages" ? HttpStatusCode.Created : HttpStatusCode.OK), first.Text);
        Assert.That((second.Status, second.Text), Is.EqualTo((first.Status, first.Text)));
        Assert.That((first.Header("Idempotency-Replayed"), second.Header("Idempotency-Replayed")), Is.EqualTo(((string?)null, "true")));
        Assert.That(Model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Of_many_that_ask_at_once_under_one_key_one_asks_the_model([Values] bool inNewSession)
    {
        var user = NewUser();
        var session = inNewSession ? null : await user.CreateSessionAsync();
        var question = ModelScripts.NewQuestion();
        var key = NewKey();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20)
            .Select(_ => PostAsync(user, "/api/chat", new { content = question, session_id = session }, key)));

        Assert.That(answers.Select(answer => answer.Expect(HttpStatusCode.OK).Text).Distinct().Count(), Is.EqualTo(1));
        Assert.That(answers.Count(answer => answer.Header("Idempotency-Replayed") is null), Is.EqualTo(1));
        Assert.That(Model.CallsFor(question), Has.Count.EqualTo(1));
        Assert.That((await user.GetAsync("/api/chat/sessions")).Items, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_reply_that_failed_fails_the_same_again()
    {
        var user = NewUser();
        var question = Model.Ask(ScriptedUpstreamReply.Status(400, "{}"));
        var key = NewKey();

        var first = await PostAsync(user, "/api/chat", new { content = question }, key);
        var second = await PostAsync(user, "/api/chat", new { content = question }, key);

        first.ExpectProblem(HttpStatusCode.BadGateway, "upstream_error");
        second.ExpectProblem(HttpStatusCode.BadGateway, "upstream_error");
        Assert.That(Model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Another_request_under_the_same_key_is_422()
    {
        var user = NewUser();
        var key = NewKey();
        var session = await user.CreateSessionAsync();
        (await PostAsync(user, "/api/chat", new { content = "Hola" }, key)).Expect(HttpStatusCode.OK);

        var refusals = new[]
        {
            await PostAsync(user, "/api/chat", new { content = "Otra cosa" }, key),
            await PostAsync(user, "/api/chat", new { content = "Hola", session_id = session }, key),
            await PostAsync(user, $"/api/chat/realtime/sessions/{session}/stream", new { content = "Hola" }, key),
        };

        foreach (var refusal in refusals)
            refusal.ExpectProblem(HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
        Assert.That(await user.StoredAsync(session), Is.Empty);
    }

    [Test]
    public async Task A_key_is_one_users_own()
    {
        var (ana, eva) = (NewUser(), NewUser());
        var key = NewKey();

        var first = await PostAsync(ana, "/api/chat", new { content = "Hola" }, key);
        var second = await PostAsync(eva, "/api/chat", new { content = "Adiós" }, key);

        Assert.That(second.Expect(HttpStatusCode.OK)["session_id"], Is.Not.EqualTo(first.Expect(HttpStatusCode.OK)["session_id"]));
        Assert.That(second.Header("Idempotency-Replayed"), Is.Null);
    }

    [Test]
    public async Task What_was_refused_can_be_asked_again_under_its_key()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var running = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Había una vez").Silence());
        await using var reply = await user.StreamAsync(session, running);
        await reply.UntilAsync(received => received.Type == "content");
        var key = NewKey();
        var body = new { content = "Hola", session_id = session };

        var refused = await PostAsync(user, "/api/chat", body, key);
        (await user.PostAsync($"/api/chat/realtime/sessions/{session}/stop", new { })).Expect(HttpStatusCode.OK);
        var taken = await PostAsync(user, "/api/chat", body, key);

        refused.ExpectProblem(HttpStatusCode.Conflict, "run_in_progress");
        Assert.That(taken.Expect(HttpStatusCode.OK).Header("Idempotency-Replayed"), Is.Null);
    }

    [TestCase("")]
    [TestCase("dos palabras")]
    [TestCase("ñandú")]
    [TestCase("{256}")]
    public async Task What_is_no_key_is_400(string key)
    {
        // By hand, as UTF-8: HttpClient sends no header beyond ASCII.
        key = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(key));
        var request = RawHttp.Request(
            "POST /api/chat", NewUser().Token, """{"content":"Hola"}"""u8.ToArray(), $"{Header}: {(key == "{256}" ? new string('k', 256) : key)}");
        var answer = await RawHttp.SendAsync(Server.Address, request);

        Assert.That(answer, Does.StartWith("HTTP/1.1 400").And.Contain("\"code\":\"invalid_idempotency_key\""));
    }

    [Test]
    public async Task Two_keys_are_400()
    {
        var request = RawHttp.Request(
            "POST /api/chat", NewUser().Token, """{"content":"Hola"}"""u8.ToArray(), $"{Header}: one", $"{Header}: two");

        Assert.That(await RawHttp.SendAsync(Server.Address, request), Does.StartWith("HTTP/1.1 400"));
    }

    [Test]
    public async Task A_key_of_255_characters_is_one()
    {
        var answer = await PostAsync(NewUser(), "/api/chat", new { content = "Hola" }, new string('~', 255));

        answer.Expect(HttpStatusCode.OK);
    }

    private static string NewKey() => Guid.NewGuid().ToString("N");

    private static Task<ApiAnswer> PostAsync(ApiClient user, string path, object body, string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, ApiClient.JsonType, JsonSerializerOptions.Default) };
        request.Headers.Add(Header, key);
        return user.SendAsync(request);
    }
}
