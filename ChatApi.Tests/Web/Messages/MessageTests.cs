using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Messages;

/// <summary>Reading, importing and deleting messages.</summary>
public sealed class MessageTests(DatabaseKind database) : HttpSuite(database)
{
    [Test]
    public async Task A_users_message_runs_the_turn_and_gives_both_messages()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        var answer = await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "user", content = "¿Qué tal?" });

        answer.Expect(HttpStatusCode.Created);
        ExpectMessage(answer.Json.GetProperty("user_message"), session, "user", "¿Qué tal?");
        ExpectMessage(answer.Json.GetProperty("assistant_message"), session, "assistant", ModelScripts.DefaultReply);
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", "¿Qué tal?"), ("assistant", ModelScripts.DefaultReply)]));
    }

    [Test]
    public async Task An_assistants_message_is_imported_and_no_model_is_asked()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var text = ModelScripts.NewQuestion("Importada");

        var answer = await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "assistant", content = text });

        ExpectMessage(answer.Expect(HttpStatusCode.Created).Json, session, "assistant", text);
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("assistant", text)]));
        Assert.That(Model.CallsFor(text), Is.Empty);
    }

    [Test]
    public async Task Many_imports_into_one_session_at_once_are_all_stored_and_none_waits_in_vain()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        await Task.WhenAll(Enumerable.Range(0, 60).Select(number => user.ImportAsync(session, $"mensaje {number}")));

        Assert.That((await user.StoredAsync(session)).Select(message => message.Content).Distinct().Count(), Is.EqualTo(60));
    }

    [Test]
    public async Task While_a_reply_is_made_nothing_is_imported_after_it_and_it_cannot_be_deleted()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hola").WaitFor(gate.Task).Finish().Done());
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content");

        var imported = await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "assistant", content = "Importada" });
        var deleted = await user.DeleteAsync($"/api/chat/messages/{reply.Start["message_id"]}");
        gate.SetResult();
        await reply.ReadToEndAsync();
        var after = (await user.GetAsync($"/api/chat/messages/{await user.ImportAsync(session, "Después")}")).Expect(HttpStatusCode.OK);

        Assert.That(imported.ExpectProblem(HttpStatusCode.Conflict, "run_in_progress")["run_id"], Is.EqualTo(reply.RunId));
        Assert.That(deleted.ExpectProblem(HttpStatusCode.Conflict, "run_in_progress")["run_id"], Is.EqualTo(reply.RunId));
        Assert.That(after["parent_id"], Is.EqualTo(reply.Start["message_id"]));
        Assert.That(await user.StoredAsync(session), Has.Count.EqualTo(3));
    }

    [TestCase("system")]
    [TestCase("tool")]
    [TestCase("developer")]
    [TestCase("USERS")]
    [TestCase("")]
    [TestCase(null)]
    [TestCase("0")]
    [TestCase("1")]
    public async Task Other_roles_are_400(string? role)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        var answer = await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role, content = "hola" });

        answer.ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        Assert.That(await user.StoredAsync(session), Is.Empty);
    }

    [Test]
    public async Task Messages_are_a_bare_array_in_the_order_of_the_talk()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "user", content = "uno" });
        await user.ImportAsync(session, "dos");
        await user.PostAsync("/api/chat", new { content = "tres", session_id = session });

        var list = (await user.GetAsync($"/api/chat/sessions/{session}/messages")).Expect(HttpStatusCode.OK);

        Assert.That(list.Items.Select(item => item.GetProperty("content").GetString()),
            Is.EqualTo(["uno", ModelScripts.DefaultReply, "dos", "tres", ModelScripts.DefaultReply]));
        Assert.That(list.Items.Select(item => item.GetProperty("created_at").GetDateTimeOffset()), Is.Ordered.Ascending);
    }

    [Test]
    public async Task A_message_can_be_read_and_deleted_alone()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var first = await user.ImportAsync(session, "uno");
        var second = await user.ImportAsync(session, "dos");

        var read = (await user.GetAsync($"/api/chat/messages/{first}")).Expect(HttpStatusCode.OK);
        var deleted = (await user.DeleteAsync($"/api/chat/messages/{first}")).Expect(HttpStatusCode.OK);

        ExpectMessage(read.Json, session, "assistant", "uno");
        Assert.That(deleted.Text, Is.EqualTo(read.Text));
        (await user.GetAsync($"/api/chat/messages/{first}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.DeleteAsync($"/api/chat/messages/{first}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.GetAsync($"/api/chat/messages/{second}")).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task After_the_last_message_is_deleted_the_next_one_still_comes_last()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await user.ImportAsync(session, "uno");
        var last = await user.ImportAsync(session, "dos");
        await user.DeleteAsync($"/api/chat/messages/{last}");
        await user.ImportAsync(session, "tres");

        Assert.That(await user.StoredAsync(session), Is.EqualTo([("assistant", "uno"), ("assistant", "tres")]));
    }

    [Test]
    public async Task A_message_makes_its_session_active()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var before = await user.GetAsync($"/api/chat/sessions/{session}");
        var message = await user.GetAsync($"/api/chat/messages/{await user.ImportAsync(session, "uno")}");

        var after = await user.GetAsync($"/api/chat/sessions/{session}");

        Assert.That(after["last_message_at"], Is.EqualTo(message["created_at"]));
        Assert.That(before.Json.GetProperty("last_message_at").ToString(), Is.Not.EqualTo(after["last_message_at"]));
    }

    private static void ExpectMessage(System.Text.Json.JsonElement message, string session, string role, string content)
    {
        Assert.That(Guid.Parse(message.GetProperty("id").GetString()!).Version, Is.EqualTo(7));
        Assert.That(message.GetProperty("session_id").GetString(), Is.EqualTo(session));
        Assert.That(message.GetProperty("role").GetString(), Is.EqualTo(role));
        Assert.That(message.GetProperty("content").GetString(), Is.EqualTo(content));
        Assert.That(message.GetProperty("created_at").GetString(), Does.EndWith("Z"));
    }
}
