using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary><c>POST /api/chat</c>: the whole reply at once.</summary>
public sealed class ChatTests(DatabaseKind database) : HttpSuite(database)
{
    [Test]
    public async Task Without_a_session_a_new_one_is_made()
    {
        var user = NewUser();

        var answer = (await user.PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.OK);

        var session = answer["session_id"];
        Assert.That(answer.Json.GetProperty("user_message").GetProperty("content").GetString(), Is.EqualTo("Hola"));
        Assert.That(answer.Json.GetProperty("assistant_message").GetProperty("content").GetString(), Is.EqualTo(ModelScripts.DefaultReply));
        Assert.That(answer.Json.GetProperty("assistant_message").GetProperty("session_id").GetString(), Is.EqualTo(session));
        Assert.That((await user.GetAsync($"/api/chat/sessions/{session}")).Expect(HttpStatusCode.OK)["title"], Is.Not.Empty);
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", "Hola"), ("assistant", ModelScripts.DefaultReply)]));
    }

    [Test]
    public async Task With_a_session_the_talk_goes_on_there()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        var first = await user.PostAsync("/api/chat", new { content = "uno", session_id = session });
        var second = await user.PostAsync("/api/chat", new { content = "dos", session_id = session });

        Assert.That((first.Expect(HttpStatusCode.OK)["session_id"], second.Expect(HttpStatusCode.OK)["session_id"]), Is.EqualTo((session, session)));
        Assert.That(await user.StoredAsync(session), Has.Count.EqualTo(4));
    }

    [Test]
    public async Task A_null_session_is_no_session()
    {
        var user = NewUser();

        var answer = await user.PostAsync("/api/chat", new { content = "Hola", session_id = (string?)null });

        Assert.That(Guid.TryParse(answer.Expect(HttpStatusCode.OK)["session_id"], out _), Is.True);
    }

    [Test]
    public async Task The_model_is_asked_with_the_last_ten_messages_and_the_question_once()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        for (var i = 0; i < 13; i++)
            await user.ImportAsync(session, $"m{i}");
        var question = ModelScripts.NewQuestion();

        (await user.PostAsync("/api/chat", new { content = question, session_id = session })).Expect(HttpStatusCode.OK);

        var given = ModelScripts.Conversation(Model.CallsFor(question).Single());
        Assert.That(given, Is.EqualTo(Enumerable.Range(3, 10).Select(i => ("assistant", $"m{i}")).Append(("user", question))));
    }

    [Test]
    public async Task The_model_is_asked_with_the_settings_of_the_contract()
    {
        var question = ModelScripts.NewQuestion();

        (await NewUser().PostAsync("/api/chat", new { content = question })).Expect(HttpStatusCode.OK);

        var call = Model.CallsFor(question).Single();
        Assert.That(call.Path, Is.EqualTo("/v1/chat/completions"));
        Assert.That(call.Headers["Authorization"], Is.EqualTo("Bearer canary-openai-key"));
        Assert.That(call.Json.GetProperty("model").GetString(), Is.EqualTo("gpt-4o-mini"));
        Assert.That(call.Json.GetProperty("temperature").GetDouble(), Is.EqualTo(0.7).Within(0.0001));
        Assert.That(call.Body, Does.Contain("2000"));
        Assert.That(call.Json.GetProperty("stream").GetBoolean(), Is.True);
        Assert.That(call.Json.GetProperty("messages")[0].GetProperty("role").GetString(), Is.AnyOf("system", "developer"));
    }

    [Test]
    public async Task Fields_of_the_servers_are_not_the_clients_to_set()
    {
        var question = ModelScripts.NewQuestion();
        var user = NewUser();
        var id = Guid.NewGuid();

        var answer = await user.PostAsync(
            "/api/chat", new { content = question, role = "system", user_id = id, id, created_at = "2001-01-01T00:00:00Z", status = "failed", parent_id = id, on_branch = false });

        var asked = answer.Expect(HttpStatusCode.OK).Json.GetProperty("user_message");
        Assert.That(
            (asked.GetProperty("role").GetString(), asked.GetProperty("status").GetString(), asked.GetProperty("on_branch").GetBoolean()), Is.EqualTo(("user", "completed", true)));
        Assert.That(answer.Text, Does.Not.Contain(id.ToString()).And.Not.Contain("2001-"));
    }

    [Test]
    public async Task A_new_realtime_session_has_a_default_title_and_its_first_message_unanswered()
    {
        var user = NewUser();
        var text = ModelScripts.NewQuestion();

        var made = (await user.PostAsync("/api/chat/realtime/sessions", new { initial_message = text })).Expect(HttpStatusCode.Created);

        Assert.That((made["title"], made["user_id"]), Is.EqualTo(("Nueva conversación", user.UserId.ToString())));
        Assert.That(made.Header("Location"), Does.Contain(made["id"]));
        Assert.That(await user.StoredAsync(made["id"]), Is.EqualTo([("user", text)]));
        Assert.That(Model.CallsFor(text), Is.Empty);
    }

    [Test]
    public async Task A_realtime_session_may_have_a_title_and_no_message()
    {
        var user = NewUser();

        var titled = (await user.PostAsync("/api/chat/realtime/sessions", new { title = "Mía" })).Expect(HttpStatusCode.Created);
        var bare = (await user.PostRawAsync("/api/chat/realtime/sessions", "{}")).Expect(HttpStatusCode.Created);

        Assert.That((titled["title"], bare["title"]), Is.EqualTo(("Mía", "Nueva conversación")));
        Assert.That(await user.StoredAsync(titled["id"]), Is.Empty);
    }

    [Test]
    public async Task An_initial_message_that_is_too_long_makes_no_session()
    {
        var user = NewUser();

        var answer = await user.PostAsync("/api/chat/realtime/sessions", new { initial_message = new string('x', 32_001) });

        answer.ExpectProblem(HttpStatusCode.BadRequest, "content_too_long");
        Assert.That((await user.GetAsync("/api/chat/sessions")).Text, Is.EqualTo("[]"));
    }

    [Test]
    public async Task The_initial_message_belongs_to_the_history_of_the_next_turn()
    {
        var user = NewUser();
        var made = await user.PostAsync("/api/chat/realtime/sessions", new { initial_message = "antes" });
        var question = ModelScripts.NewQuestion();

        await using var reply = await user.StreamAsync(made["id"], question);
        await reply.ReadToEndAsync();

        Assert.That(ModelScripts.Conversation(Model.CallsFor(question).Single()), Is.EqualTo([("user", "antes"), ("user", question)]));
    }

    [Test]
    public async Task What_the_model_is_called_is_cut_to_what_can_be_kept()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var name = "m\\u0000" + new string('x', 197) + "👋👋";
        string Named(string chunk) => chunk.Replace(ScriptedUpstreamReply.Model, name, StringComparison.Ordinal);
        var question = Model.Ask(ScriptedUpstreamReply.Stream()
            .Event(Named(ScriptedUpstreamReply.Chunk("""{"content":"Hola"}""")), "Hola")
            .Event(Named(ScriptedUpstreamReply.Chunk("{}", $"\"{new string('f', 63)}\\u0000\""))).Done());
        await using var reply = await user.StreamAsync(session, question);

        var done = await reply.ReadToEndAsync();

        Assert.That((done.Type, done["model"], done["finish_reason"]), Is.EqualTo(("done", "m\uFFFD" + new string('x', 197), new string('f', 63) + "\uFFFD")));
        var stored = (await user.GetAsync($"/api/chat/messages/{done["message_id"]}")).Expect(HttpStatusCode.OK);
        Assert.That((stored["status"], stored["content"], stored["model"], stored["finish_reason"]), Is.EqualTo(("completed", "Hola", done["model"], done["finish_reason"])));
    }

    [Test]
    public async Task A_reply_without_end_is_cut_between_two_characters_and_can_be_taken_along()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var piece = string.Concat(Enumerable.Repeat("👋", 25_000));
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("x").Repeat(30, more => more.Delta(piece)).Finish().Done());
        await using var reply = await user.StreamAsync(session, question);

        var done = await reply.ReadToEndAsync();

        Assert.That((done.Type, done["finish_reason"], done["full_content"]!.Length), Is.EqualTo(("done", "length", 999_999)));
        var stored = (await user.GetAsync($"/api/chat/messages/{done["message_id"]}")).Expect(HttpStatusCode.OK);
        Assert.That((stored["status"], stored["content"]), Is.EqualTo(("stopped", "x" + string.Concat(Enumerable.Repeat(piece, 20))[..^2])));
        Assert.That(reply.Content, Is.EqualTo(stored["content"]));
        var file = (await user.GetAsync($"/api/chat/sessions/{session}/export")).Expect(HttpStatusCode.OK);
        (await NewUser().PostRawAsync("/api/chat/import", file.Body)).Expect(HttpStatusCode.Created);
    }

    [Test]
    public async Task Nothing_that_comes_together_with_what_is_cut_is_stored_after_it()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var hands = string.Concat(Enumerable.Repeat("👋", 100));
        var together = string.Concat(Enumerable.Repeat(hands, 250).Concat(Enumerable.Repeat("y", 50))
            .Select(text => $"data: {ScriptedUpstreamReply.Chunk($$"""{"content":"{{text}}"}""")}\n\n"));
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("x").Repeat(19, more => more.Delta(string.Concat(Enumerable.Repeat(hands, 250)))).Raw(together).Finish().Done());

        await using var reply = await user.StreamAsync(session, question);

        var done = await reply.ReadToEndAsync();

        var stored = (await user.GetAsync($"/api/chat/messages/{done["message_id"]}")).Expect(HttpStatusCode.OK);
        Assert.That((stored["status"], stored["content"]), Is.EqualTo(("stopped", "x" + string.Concat(Enumerable.Repeat(hands, 5_000))[..^2])));
    }

    [Test]
    public async Task A_question_that_is_too_long_for_the_model_is_neither_asked_nor_stored()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = ModelScripts.NewQuestion();
        question += string.Concat(Enumerable.Repeat(" xqzj", (32_000 - question.Length) / 5));

        (await user.PostAsync("/api/chat", new { content = question })).ExpectProblem(HttpStatusCode.UnprocessableEntity, "context_too_long");
        (await user.PostAsync("/api/chat", new { content = question, session_id = session })).ExpectProblem(HttpStatusCode.UnprocessableEntity, "context_too_long");
        await using var reply = await user.StreamAsync(session, question);
        (await reply.RefusalAsync()).ExpectProblem(HttpStatusCode.UnprocessableEntity, "context_too_long");

        Assert.That(Model.CallsFor(question), Is.Empty);
        Assert.That(await user.StoredAsync(session), Is.Empty);
        Assert.That((await user.GetAsync("/api/chat/sessions")).Items.Select(item => item.GetProperty("id").GetString()), Is.EqualTo([session]));
    }
}
