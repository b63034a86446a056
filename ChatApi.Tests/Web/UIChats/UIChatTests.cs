using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.UIChats;

/// <summary>The door for the Vercel AI SDK, byte by byte: names that are the client's, a history that is not trusted, and one run for both doors.</summary>
public sealed class UIChatTests(DatabaseKind database) : HttpSuite(database)
{
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 15).Select(i => $"pieza {i}, 👋🏽 ñ; ")];
    private static readonly string Whole = string.Concat(Pieces);

    [Test]
    public async Task A_reply_comes_as_parts_that_version_5_knows()
    {
        await using var reply = await UIReply.PostAsync(NewUser(), UIReply.Body(NewName(), NewName(), Model.Ask(Slow())));
        await reply.ReadToEndAsync();

        var deltas = reply.Types.Count(type => type == "text-delta");
        Assert.That(reply.Types, Is.EqualTo(["start", "start-step", "text-start", .. Enumerable.Repeat("text-delta", deltas), "text-end", "finish-step", "finish"]));
        Assert.That(reply.Text, Is.EqualTo(Whole));
        Assert.That(Guid.TryParse(reply.MessageId, out _));
        Assert.That(reply.Parts.Select(part => string.Join(' ', part.EnumerateObject().Select(field => field.Name))).Distinct(),
            Is.EqualTo(["type messageId", "type", "type id", "type id delta", "type messageMetadata"]));
        Assert.That(reply.Parts[^1].GetProperty("messageMetadata").GetRawText(),
            Is.EqualTo("""{"status":"completed","finishReason":"stop","model":"scripted-model","usage":{"inputTokens":9,"outputTokens":15,"totalTokens":24,"estimated":false}}"""));
        Assert.That(reply.Ids, Has.Count.EqualTo(deltas + 2));
        Assert.That(reply.Ids.Select(id => int.Parse(id.Split(':')[1])).ToList(), Is.Ordered.Ascending.And.Unique.And.ItemAt(0).EqualTo(0));
    }

    [Test]
    public async Task The_stored_history_counts_and_not_the_clients()
    {
        var (user, chat, first, second) = (NewUser(), NewName(), ModelScripts.NewQuestion(), ModelScripts.NewQuestion());
        var (firstId, replyId) = (NewName(), await AskAsync(user, chat, first));
        await using var reply = await UIReply.PostAsync(user, UIReply.Body(chat, NewName(), second, before: [(firstId, "user", "Otra cosa"), (replyId, "assistant", "Nunca dicho")]));
        await reply.ReadToEndAsync();

        Assert.That(ModelScripts.Conversation(Model.CallsFor(second).Single()), Is.EqualTo([("user", first), ("assistant", ModelScripts.DefaultReply), ("user", second)]));
    }

    [Test]
    public async Task The_same_question_again_leads_to_the_same_reply_while_it_is_made_and_after()
    {
        var (user, chat, id) = (NewUser(), NewName(), NewName());
        var question = Model.Ask(Slow());
        var body = UIReply.Body(chat, id, question);
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await using var reply = await UIReply.PostAsync(user, body);
            return await reply.ReadToEndAsync();
        }));
        await using var after = await UIReply.PostAsync(user, body);
        await after.ReadToEndAsync();

        Assert.That(replies.Append(after).Select(reply => (reply.MessageId, reply.Text)).Distinct(), Has.Exactly(1).Items);
        Assert.That(replies.Count(reply => !reply.Response.Headers.Contains("Idempotency-Replayed")), Is.EqualTo(1));
        Assert.That(Model.CallsFor(question), Has.Count.EqualTo(1));
        Assert.That((await user.GetAsync("/api/chat/sessions")).Items, Has.Count.EqualTo(1));
        Assert.That(await user.StoredAsync(await SessionAsync(user)), Is.EqualTo([("user", question), ("assistant", Whole)]));
    }

    [Test]
    public async Task The_same_question_after_others_leads_to_one_reply_however_close_its_repetitions_are()
    {
        var user = NewUser();
        for (var round = 0; round < 6; round++)
        {
            var (chat, first) = (NewName(), NewName());
            var firstReply = await AskAsync(user, chat, "Uno", first);
            var body = UIReply.Body(chat, NewName(), Model.Ask(Slow()), before: [(first, "user", ""), (firstReply, "assistant", "")]);
            var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            {
                await using var reply = await UIReply.PostAsync(user, body);
                return (await reply.ReadToEndAsync()).MessageId;
            }));

            Assert.That(replies.Distinct(), Has.Exactly(1).Items);
        }
    }

    [Test]
    public async Task Another_text_under_a_known_name_is_an_edit_as_often_as_one_likes()
    {
        var (user, chat, id) = (NewUser(), NewName(), NewName());
        var (one, two) = (ModelScripts.NewQuestion(), ModelScripts.NewQuestion());
        var replies = new List<string>();
        foreach (var text in new[] { one, two, one, one })
        {
            await using var reply = await UIReply.PostAsync(user, UIReply.Body(chat, id, text, messageId: id));
            replies.Add((await reply.ReadToEndAsync()).MessageId);
        }

        var session = await SessionAsync(user);
        var tree = (await user.GetAsync($"/api/chat/sessions/{session}/messages?tree=true")).Items;
        Assert.That(replies.Distinct().ToList(), Has.Exactly(3).Items.And.ItemAt(2).EqualTo(replies[3]), "Said twice in a row it is a repetition.");
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", one), ("assistant", ModelScripts.DefaultReply)]));
        Assert.That(tree.Count(message => message.GetProperty("role").GetString() == "user" && message.GetProperty("sibling_ids").GetArrayLength() == 3), Is.EqualTo(3));
        Assert.That(await MessagesAsync(user, chat), Is.EqualTo([(id, "user", one), (replies[3], "assistant", ModelScripts.DefaultReply)]));
    }

    [Test]
    public async Task Regenerate_makes_another_reply_to_the_named_one_to_the_last_question_or_to_one_that_never_arrived()
    {
        var (user, chat, id, question) = (NewUser(), NewName(), NewName(), ModelScripts.NewQuestion());
        var replies = new List<string>();
        foreach (var messageId in new[] { null, null, "the reply", "unknown" })
        {
            await using var reply = await UIReply.PostAsync(
                user, UIReply.Body(chat, id, question, "regenerate-message", messageId == "the reply" ? replies[^1] : messageId));
            replies.Add((await reply.ReadToEndAsync()).MessageId);
        }

        Assert.That(replies, Is.Unique);
        Assert.That(await MessagesAsync(user, chat), Is.EqualTo([(id, "user", question), (replies[3], "assistant", ModelScripts.DefaultReply)]));
        Assert.That(await user.StoredAsync(await SessionAsync(user)), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Where_the_client_asks_is_where_the_question_goes()
    {
        var (user, chat, first) = (NewUser(), NewName(), NewName());
        var firstReply = await AskAsync(user, chat, "Uno", first);
        var (second, third) = (NewName(), NewName());
        var secondReply = await AskAsync(user, chat, "Dos", second, [(first, "user", ""), (firstReply, "assistant", "")]);

        // Another tab, which has not seen the second question.
        var thirdReply = await AskAsync(user, chat, "Tres", third, [(firstReply, "assistant", "")]);
        var afterThird = await MessagesAsync(user, chat);

        // The first tab goes on where it is.
        var fourthReply = await AskAsync(user, chat, "Cuatro", NewName(), [(secondReply, "assistant", "")]);
        var afterFourth = await MessagesAsync(user, chat);

        // A client that knows nothing of the conversation goes on at its end.
        await AskAsync(user, chat, "Cinco", NewName(), [(NewName(), "assistant", "¡Bienvenida!")]);

        Assert.That(afterThird.Select(message => message.Text), Is.EqualTo(["Uno", ModelScripts.DefaultReply, "Tres", ModelScripts.DefaultReply]));
        Assert.That(afterFourth.Select(message => message.Text), Is.EqualTo(["Uno", ModelScripts.DefaultReply, "Dos", ModelScripts.DefaultReply, "Cuatro", ModelScripts.DefaultReply]));
        Assert.That((await MessagesAsync(user, chat)).Select(message => message.Text).SkipLast(1).TakeLast(2), Is.EqualTo([ModelScripts.DefaultReply, "Cinco"]));
        Assert.That(new[] { firstReply, secondReply, thirdReply, fourthReply }, Is.Unique);
    }

    [Test]
    public async Task Both_doors_show_the_same_run_and_a_session_opened_elsewhere_is_a_chat()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var old = await user.StreamAsync(session, Model.Ask(UntilSet(first)));
        await old.UntilAsync(received => received.Type == "content");
        await using var ui = await UIReply.ResumeAsync(user, session);
        first.SetResult();
        await ui.ReadToEndAsync();
        var done = await old.ReadToEndAsync();

        await using var asked = await UIReply.PostAsync(user, UIReply.Body(session, NewName(), Model.Ask(UntilSet(second))));
        await asked.UntilAsync("text-delta");
        await using var attached = await user.AttachAsync(session);
        second.SetResult();
        var end = await attached.ReadToEndAsync();
        await asked.ReadToEndAsync();

        Assert.That((ui.Text, ui.MessageId, old.Content), Is.EqualTo((Whole, done["message_id"], Whole)));
        Assert.That((asked.Text, asked.MessageId, attached.Content), Is.EqualTo((Whole, end["message_id"], Whole)));
        Assert.That(ui.Ids[0], Is.EqualTo($"{old.RunId}:0"));
        Assert.That((await user.GetAsync("/api/chat/sessions")).Items, Has.Count.EqualTo(1));
        Assert.That((await MessagesAsync(user, session)).Select(message => message.Text), Has.Exactly(2).EqualTo(Whole));
    }

    [Test]
    public async Task Who_comes_back_sees_the_run_from_its_first_part_and_the_messages_without_it()
    {
        var (user, chat, id) = (NewUser(), NewName(), NewName());
        var gate = new TaskCompletionSource();
        await using var reply = await UIReply.PostAsync(user, UIReply.Body(chat, id, Model.Ask(UntilSet(gate))));
        await reply.UntilAsync("text-delta");

        var unfinished = await MessagesAsync(user, chat);
        await using var again = await UIReply.ResumeAsync(user, chat);
        await again.UntilAsync("text-delta");
        gate.SetResult();
        await again.ReadToEndAsync();
        await reply.ReadToEndAsync();
        await using var after = await UIReply.ResumeAsync(user, chat);

        Assert.That(unfinished.Select(message => message.Id), Is.EqualTo([id]));
        Assert.That((again.Text, again.MessageId, reply.Text), Is.EqualTo((Whole, reply.MessageId, Whole)));
        Assert.That(after.Response.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await MessagesAsync(user, chat)).Select(message => message.Id), Is.EqualTo([id, reply.MessageId]));
    }

    [Test]
    public async Task Stop_ends_the_stream_with_abort_and_keeps_the_text()
    {
        var (user, chat) = (NewUser(), NewName());
        await using var reply = await UIReply.PostAsync(
            user, UIReply.Body(chat, NewName(), Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hasta aquí").Silence())));
        await reply.UntilAsync("text-delta");

        var stopped = (await user.PostAsync($"/api/chat/ui/{chat}/stop", null)).Expect(HttpStatusCode.OK);
        await reply.ReadToEndAsync();

        Assert.That(stopped["status"], Is.EqualTo("stopped"));
        Assert.That(reply.Types.TakeLast(4), Is.EqualTo(["text-end", "finish-step", "message-metadata", "abort"]));
        var stored = (await user.GetAsync($"/api/chat/ui/{chat}/messages")).Items[1];
        Assert.That(stored.GetProperty("parts").GetRawText(), Is.EqualTo("""[{"type":"text","text":"Hasta aquí","state":"done"}]"""));
        Assert.That(stored.GetProperty("metadata").GetRawText(), Is.EqualTo(reply.Parts[^2].GetProperty("messageMetadata").GetRawText()));
    }

    [Test]
    public async Task A_reply_that_breaks_off_ends_with_a_sentence_for_people_and_is_told_again_the_same()
    {
        var (user, chat, id) = (NewUser(), NewName(), NewName());
        var question = Model.Ask(() => ScriptedUpstreamReply.Stream().Role().Delta("Media ").Cut());
        await using var reply = await UIReply.PostAsync(user, UIReply.Body(chat, id, question));
        await reply.ReadToEndAsync();
        await using var again = await UIReply.PostAsync(user, UIReply.Body(chat, id, question));
        await again.ReadToEndAsync();

        Assert.That(reply.Types, Is.EqualTo(["start", "start-step", "text-start", "text-delta", "text-end", "error"]));
        Assert.That(reply.Parts[^1].GetProperty("errorText").GetString(), Is.EqualTo("The connection to the assistant broke off before the reply was complete."));
        Assert.That(again.Parts.Select(part => part.GetRawText()), Is.EqualTo(reply.Parts.Select(part => part.GetRawText())));
    }

    [Test]
    public async Task A_second_question_while_a_reply_is_made_is_refused()
    {
        var (user, chat) = (NewUser(), NewName());
        var gate = new TaskCompletionSource();
        await using var reply = await UIReply.PostAsync(
            user, UIReply.Body(chat, NewName(), Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("a").WaitFor(gate.Task).Finish().Done())));
        await reply.UntilAsync("text-delta");

        await using var other = await UIReply.PostAsync(user, UIReply.Body(chat, NewName(), "Otra"));
        (await other.RefusalAsync()).ExpectProblem(HttpStatusCode.Conflict, "run_in_progress");
        gate.SetResult();
        await reply.ReadToEndAsync();
    }

    [Test]
    public async Task Two_first_questions_at_once_open_one_chat()
    {
        var (user, chat) = (NewUser(), NewName());
        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            await using var reply = await UIReply.PostAsync(user, UIReply.Body(chat, NewName(), Model.Ask(Slow())));
            if (reply.Response.StatusCode == HttpStatusCode.OK)
                await reply.ReadToEndAsync();
            return reply.Response.StatusCode;
        }));

        Assert.That(replies, Has.Some.EqualTo(HttpStatusCode.OK).And.All.AnyOf(HttpStatusCode.OK, HttpStatusCode.Conflict));
        Assert.That((await user.GetAsync("/api/chat/sessions")).Items, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_chat_in_the_trash_keeps_its_name_until_another_is_begun_under_it()
    {
        var (user, chat) = (NewUser(), NewName());
        await AskAsync(user, chat, "Vieja");
        var old = await SessionAsync(user);
        (await user.DeleteAsync($"/api/chat/sessions/{old}")).Expect(HttpStatusCode.OK);
        (await user.PostAsync($"/api/chat/sessions/{old}/restore", null)).Expect(HttpStatusCode.OK);
        var restored = await MessagesAsync(user, chat);
        (await user.DeleteAsync($"/api/chat/sessions/{old}")).Expect(HttpStatusCode.OK);

        await AskAsync(user, chat, "Nueva");
        (await user.PostAsync($"/api/chat/sessions/{old}/restore", null)).Expect(HttpStatusCode.OK);

        Assert.That(restored.Select(message => message.Text), Is.EqualTo(["Vieja", ModelScripts.DefaultReply]));
        Assert.That((await MessagesAsync(user, chat)).Select(message => message.Text), Is.EqualTo(["Nueva", ModelScripts.DefaultReply]));
        Assert.That((await MessagesAsync(user, old)).Select(message => message.Text), Is.EqualTo(["Vieja", ModelScripts.DefaultReply]));
    }

    [Test]
    public async Task A_name_is_each_users_own()
    {
        var (owner, other, chat) = (NewUser(), NewUser(), NewName());
        await AskAsync(owner, chat, "Mía");
        var session = await SessionAsync(owner);

        await using var resumed = await UIReply.ResumeAsync(other, chat);
        (await other.PostAsync($"/api/chat/ui/{chat}/stop", null)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await other.PostAsync($"/api/chat/ui/{session}/stop", null)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        Assert.That(resumed.Response.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await MessagesAsync(other, chat), Is.Empty);
        Assert.That(await MessagesAsync(other, session), Is.Empty);

        await AskAsync(other, chat, "Suya");
        await AskAsync(other, session, "Con un nombre que es de otra");
        Assert.That((await MessagesAsync(other, session)).Select(message => message.Text), Is.EqualTo(["Con un nombre que es de otra", ModelScripts.DefaultReply]));
        Assert.That((await MessagesAsync(owner, chat)).Select(message => message.Text), Is.EqualTo(["Mía", ModelScripts.DefaultReply]));
    }

    [Test]
    public async Task Metadata_and_settings_are_kept_and_used()
    {
        var (user, chat, question) = (NewUser(), NewName(), ModelScripts.NewQuestion());
        await using var reply = await UIReply.PostAsync(user, new
        {
            id = chat,
            messages = new[] { new { id = NewName(), role = "user", parts = new[] { new { type = "text", text = question } }, metadata = new { color = "azul" } } },
            temperature = 0.125,
        });
        await reply.ReadToEndAsync();

        Assert.That(Model.CallsFor(question).Single().Json.GetProperty("temperature").GetDouble(), Is.EqualTo(0.125));
        Assert.That((await user.GetAsync($"/api/chat/ui/{chat}/messages")).Items[0].GetProperty("metadata").GetRawText(), Is.EqualTo("""{"color":"azul"}"""));
    }

    [TestCase("""{"messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"a/b","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"a?b","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"a#b","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"a%41b","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"a\\b","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"ñ","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"..","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"c"}""", "invalid_request")]
    [TestCase("""{"id":"c","messages":[]}""", "invalid_request")]
    [TestCase("""{"id":"c","messages":[null]}""", "invalid_json")]
    [TestCase("""{"id":"c","messages":{}}""", "invalid_json")]
    [TestCase("""{"id":"c","messages":[{"id":5,"role":"user","parts":[]}]}""", "invalid_json")]
    [TestCase("""{"id":"c","messages":[{"role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"c","messages":[{"id":"m","role":"assistant","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"c","messages":[{"id":"m","role":"user"}]}""", "content_required")]
    [TestCase("""{"id":"c","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":" "}]}]}""", "content_required")]
    [TestCase("""{"id":"c","messages":[{"id":"m","role":"user","parts":[null]}]}""", "invalid_request")]
    [TestCase("""{"id":"c","messages":[{"id":"m","role":"user","parts":[{"type":"file","url":"data:,x"},{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"c","trigger":"x","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"c","messages":[{"id":"m","role":"user","metadata":5,"parts":[{"type":"text","text":"x"}]}]}""", "invalid_request")]
    [TestCase("""{"id":"c","model":"unknown","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]}]}""", "unknown_model")]
    public async Task What_is_no_question_is_400(string body, string code) =>
        (await NewUser().PostRawAsync("/api/chat/ui", body)).ExpectProblem(HttpStatusCode.BadRequest, code);

    [Test]
    public async Task A_long_history_is_taken_and_one_that_is_too_long_is_not()
    {
        var user = NewUser();
        var before = Enumerable.Range(0, 100).Select(number => ($"m{number}", "assistant", new string('x', 30_000))).ToList();
        await using var reply = await UIReply.PostAsync(user, UIReply.Body(NewName(), NewName(), "Hola", before: before));
        await reply.ReadToEndAsync();

        Assert.That(reply.Text, Is.EqualTo(ModelScripts.DefaultReply));
        // Asked first: the server closes before it has read what it refuses, and who is still writing then may miss the answer.
        await using var refused = await UIReply.PostAsync(
            user, UIReply.Body(NewName(), NewName(), "Hola", before: [.. before, .. before]), ("Expect", "100-continue"));
        (await refused.RefusalAsync()).ExpectProblem(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [TestCase("%20")]
    [TestCase("a%2Fb")]
    [TestCase("%C3%B1")]
    [TestCase("00000000-0000-0000-0000-000000000000")]
    public async Task A_name_that_is_none_has_no_stream_and_no_messages(string name)
    {
        var user = NewUser();
        await using var resumed = await UIReply.ResumeAsync(user, name);

        Assert.That(resumed.Response.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await user.GetAsync($"/api/chat/ui/{name}/messages")).Expect(HttpStatusCode.OK).Items, Is.Empty);
    }

    /// <summary>Says the first piece, and the rest when it is told to.</summary>
    private static ScriptedUpstreamReply UntilSet(TaskCompletionSource gate) =>
        ScriptedUpstreamReply.Stream().Role().Delta(Pieces[0]).WaitFor(gate.Task).Delta(string.Concat(Pieces[1..])).Finish().Done();

    private static ScriptedUpstreamReply Slow() => ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(20), Pieces);

    private static string NewName() => Guid.NewGuid().ToString("N")[..16];

    private static async Task<string> AskAsync(
        ApiClient user, string chat, string text, string? id = null, params IEnumerable<(string Id, string Role, string Text)> before)
    {
        await using var reply = await UIReply.PostAsync(user, UIReply.Body(chat, id ?? NewName(), text, before: before));
        Assert.That((await reply.ReadToEndAsync()).Types.Last(), Is.EqualTo("finish"));
        return reply.MessageId;
    }

    private static async Task<string> SessionAsync(ApiClient user) =>
        (await user.GetAsync("/api/chat/sessions")).Items[0].GetProperty("id").GetString()!;

    private static async Task<IReadOnlyList<(string Id, string Role, string Text)>> MessagesAsync(ApiClient user, string chat) =>
        [.. (await user.GetAsync($"/api/chat/ui/{chat}/messages")).Expect(HttpStatusCode.OK).Items.Select(message => (
            message.GetProperty("id").GetString()!, message.GetProperty("role").GetString()!, message.GetProperty("parts")[0].GetProperty("text").GetString()!))];
}
