using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary>What is asked or answered anew stays beside what was there.</summary>
public sealed class BranchTests(DatabaseKind database) : HttpSuite(database)
{
    [Test]
    public async Task A_reply_made_anew_is_a_sibling_of_the_one_that_was_there()
    {
        var (user, session) = await TalkAsync("uno");
        var before = await MessagesAsync(user, session);

        await using var reply = await user.StreamAsync(Regenerate(session), new { message_id = before[1].Id });
        var done = await reply.ReadToEndAsync();

        Assert.That((done.Type, reply.Start["user_message_id"]), Is.EqualTo(("done", before[0].Id)));
        var after = await MessagesAsync(user, session);
        Assert.That(after.Select(message => message.Id), Is.EqualTo([before[0].Id, done["message_id"]]));
        Assert.That(after[1].Siblings, Is.EqualTo([before[1].Id, done["message_id"]]));
        Assert.That((after[1].Index, after[1].Parent, after[0].Index, after[0].Siblings.Length), Is.EqualTo((2, before[0].Id, 1, 1)));
        var old = (await user.GetAsync($"/api/chat/messages/{before[1].Id}")).Expect(HttpStatusCode.OK).Json;
        Assert.That((old.GetProperty("on_branch").GetBoolean(), old.GetProperty("sibling_index").GetInt32()), Is.EqualTo((false, 1)));
        Assert.That((await MessagesAsync(user, session, "?tree=true")).Select(message => message.Id), Is.EqualTo([before[0].Id, before[1].Id, done["message_id"]]));
    }

    [Test]
    public async Task Without_an_id_the_end_of_the_branch_is_answered_anew_with_what_went_before_it()
    {
        var first = ModelScripts.NewQuestion();
        var (user, session) = await TalkAsync(first);
        var question = ModelScripts.NewQuestion();
        await AskAsync(user, session, question);

        await using var reply = await user.StreamAsync(Regenerate(session), new { });
        await reply.ReadToEndAsync();

        var calls = Model.CallsFor(question);
        Assert.That(calls, Has.Count.EqualTo(2));
        Assert.That(ModelScripts.Conversation(calls[1]), Is.EqualTo([("user", first), ("assistant", ModelScripts.DefaultReply), ("user", question)]));
        Assert.That(ModelScripts.Conversation(calls[0]), Is.EqualTo(ModelScripts.Conversation(calls[1])));
        Assert.That(await MessagesAsync(user, session), Has.Count.EqualTo(4));
    }

    [Test]
    public async Task All_branches_come_in_pages_too()
    {
        var (user, session) = await TalkAsync("uno");
        await using (var reply = await user.StreamAsync(Regenerate(session), new { }))
            await reply.ReadToEndAsync();
        var all = await MessagesAsync(user, session, "?tree=true");

        var paged = new List<string>();
        for (var path = $"/api/chat/sessions/{session}/messages?tree=true&limit=1"; path is not null;)
        {
            var page = (await user.GetAsync(path)).Expect(HttpStatusCode.OK);
            paged.AddRange(page.Items.Select(message => message.GetProperty("id").GetString()!));
            path = page.NextPage();
        }

        Assert.That(paged, Is.EqualTo(all.Select(message => message.Id)).And.Count.EqualTo(3));
    }

    [Test]
    public async Task A_question_without_a_reply_gets_one()
    {
        var user = NewUser();
        var session = (await user.PostAsync("/api/chat/realtime/sessions", new { initial_message = "Hola" })).Expect(HttpStatusCode.Created)["id"];

        await using var reply = await user.StreamAsync(Regenerate(session), new { });
        await reply.ReadToEndAsync();

        var messages = await MessagesAsync(user, session);
        Assert.That(messages.Select(message => message.Content), Is.EqualTo(["Hola", ModelScripts.DefaultReply]));
        Assert.That(messages[1].Siblings, Is.EqualTo([messages[1].Id]));
    }

    [Test]
    public async Task An_edited_question_begins_a_branch_and_the_one_before_can_be_shown_again()
    {
        var (user, session) = await TalkAsync("uno", "dos");
        var before = await MessagesAsync(user, session);
        var question = ModelScripts.NewQuestion();

        var answer = (await user.PutAsync($"/api/chat/messages/{before[2].Id}", new { content = question })).Expect(HttpStatusCode.OK);

        var asked = answer.Json.GetProperty("user_message");
        Assert.That(asked.GetProperty("sibling_ids").EnumerateArray().Select(id => id.GetString()), Is.EqualTo([before[2].Id, asked.GetProperty("id").GetString()]));
        Assert.That(ModelScripts.Conversation(Model.CallsFor(question).Single()), Is.EqualTo([("user", "uno"), ("assistant", ModelScripts.DefaultReply), ("user", question)]));
        var edited = await MessagesAsync(user, session);
        Assert.That(edited.Select(message => message.Content), Is.EqualTo(["uno", ModelScripts.DefaultReply, question, ModelScripts.DefaultReply]));
        Assert.That((await MessagesAsync(user, session, "?tree=true")).Count, Is.EqualTo(6));

        var shown = (await user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = before[2].Id })).Expect(HttpStatusCode.OK);
        Assert.That(shown["id"], Is.EqualTo(before[3].Id));
        Assert.That((await MessagesAsync(user, session)).Select(message => message.Id), Is.EqualTo(before.Select(message => message.Id)));

        var next = ModelScripts.NewQuestion();
        await AskAsync(user, session, next);
        Assert.That(
            ModelScripts.Conversation(Model.CallsFor(next).Single()).Select(said => said.Item2),
            Is.EqualTo(["uno", ModelScripts.DefaultReply, "dos", ModelScripts.DefaultReply, next]), "The model is told the branch that is shown.");
    }

    [Test]
    public async Task The_first_question_can_be_edited_and_streamed()
    {
        var (user, session) = await TalkAsync("uno", "dos");
        var before = await MessagesAsync(user, session);

        await using var reply = await user.StreamAsync($"/api/chat/realtime/sessions/{session}/edit", new { message_id = before[0].Id, content = "otro" });
        await reply.ReadToEndAsync();

        var edited = await MessagesAsync(user, session);
        Assert.That(edited.Select(message => message.Content), Is.EqualTo(["otro", ModelScripts.DefaultReply]));
        Assert.That((edited[0].Parent, edited[0].Index, edited[0].Siblings.Length), Is.EqualTo(((string?)null, 2, 2)));
        (await user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = before[1].Id })).Expect(HttpStatusCode.OK);
        Assert.That((await MessagesAsync(user, session)).Select(message => message.Id), Is.EqualTo(before.Select(message => message.Id)));
    }

    [Test]
    public async Task What_is_asked_anew_on_another_branch_shows_that_branch()
    {
        var (user, session) = await TalkAsync("uno", "dos");
        var before = await MessagesAsync(user, session);
        (await user.PutAsync($"/api/chat/messages/{before[0].Id}", new { content = "otro" })).Expect(HttpStatusCode.OK);

        await using var reply = await user.StreamAsync(Regenerate(session), new { message_id = before[3].Id });
        var done = await reply.ReadToEndAsync();

        Assert.That(
            (await MessagesAsync(user, session)).Select(message => message.Id), Is.EqualTo([before[0].Id, before[1].Id, before[2].Id, done["message_id"]]));
    }

    [Test]
    public async Task A_reply_that_comes_to_nothing_gives_its_place_back()
    {
        var question = ModelScripts.NewQuestion();
        var (user, session) = await TalkAsync(question);
        var before = await MessagesAsync(user, session);
        Model.On(question, ScriptedUpstreamReply.Status(400, "{}"));

        await using var reply = await user.StreamAsync(Regenerate(session), new { });
        Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("error"));

        Assert.That((await MessagesAsync(user, session)).Select(message => message.Id), Is.EqualTo(before.Select(message => message.Id)));
    }

    [Test]
    public async Task What_was_shown_before_a_reply_that_comes_to_nothing_is_shown_again()
    {
        var question = ModelScripts.NewQuestion();
        var (user, session) = await TalkAsync(question);
        var first = (await MessagesAsync(user, session))[1].Id;
        await AskAsync(user, session, "y después");
        var shown = await MessagesAsync(user, session);
        for (var number = 0; number < 2; number++)
        {
            await using var good = await user.StreamAsync(Regenerate(session), new { message_id = first });
            await good.ReadToEndAsync();
        }

        (await user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = first })).Expect(HttpStatusCode.OK);
        Model.On(question, ScriptedUpstreamReply.Status(400, "{}"));
        await using var reply = await user.StreamAsync(Regenerate(session), new { message_id = first });
        Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("error"));

        Assert.That((await MessagesAsync(user, session)).Select(message => message.Id), Is.EqualTo(shown.Select(message => message.Id)));
    }

    [Test]
    public async Task The_question_of_a_reply_that_comes_to_nothing_may_be_deleted_meanwhile()
    {
        var question = ModelScripts.NewQuestion();
        var (user, session) = await TalkAsync("uno", question);
        var before = await MessagesAsync(user, session);
        var gate = new TaskCompletionSource();
        Model.On(question, ScriptedUpstreamReply.Nothing().WaitFor(gate.Task).Head(400, "application/json").Raw("{}"));
        await using var reply = await user.StreamAsync(Regenerate(session), new { });
        await reply.UntilAsync(received => received.Type == "start");

        (await user.DeleteAsync($"/api/chat/messages/{before[2].Id}")).Expect(HttpStatusCode.OK);
        gate.SetResult();
        await reply.ReadToEndAsync();

        Assert.That((await MessagesAsync(user, session)).Select(message => message.Id), Is.EqualTo([before[0].Id, before[1].Id, before[3].Id]));
    }

    [Test]
    public async Task A_deleted_message_leaves_no_gap_and_the_end_of_a_branch_goes_to_its_sibling()
    {
        var (user, session) = await TalkAsync("uno", "dos");
        var before = await MessagesAsync(user, session);
        await using (var reply = await user.StreamAsync(Regenerate(session), new { }))
            await reply.ReadToEndAsync();
        var anew = await MessagesAsync(user, session);

        (await user.DeleteAsync($"/api/chat/messages/{anew[3].Id}")).Expect(HttpStatusCode.OK);
        Assert.That((await MessagesAsync(user, session)).Select(message => message.Id), Is.EqualTo(before.Select(message => message.Id)));

        (await user.DeleteAsync($"/api/chat/messages/{before[1].Id}")).Expect(HttpStatusCode.OK);
        var left = await MessagesAsync(user, session);
        Assert.That(left.Select(message => (message.Id, message.Parent)), Is.EqualTo([(before[0].Id, null), (before[2].Id, before[0].Id), (before[3].Id, (string?)before[2].Id)]));
    }

    [Test]
    public async Task There_must_be_a_question_to_be_asked_or_answered_anew()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        (await user.PostAsync(Regenerate(session), new { })).ExpectProblem(HttpStatusCode.Conflict, "no_question");
        var imported = await user.ImportAsync(session, "Soy yo");
        (await user.PostAsync(Regenerate(session), new { message_id = imported })).ExpectProblem(HttpStatusCode.Conflict, "no_question");
        (await user.PutAsync($"/api/chat/messages/{imported}", new { content = "otro" })).ExpectProblem(HttpStatusCode.Conflict, "no_question");
        (await user.PostAsync(Regenerate(session), new { message_id = Guid.NewGuid() })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.PostAsync(Regenerate(session), new { message_id = "x" })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = Guid.NewGuid() })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.PutAsync($"/api/chat/sessions/{session}/branch", new { })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        var elsewhere = await user.CreateSessionAsync();
        (await user.PostAsync(Regenerate(elsewhere), new { message_id = imported })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.PutAsync($"/api/chat/sessions/{elsewhere}/branch", new { message_id = imported })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    [Test]
    public async Task While_a_reply_is_made_the_branch_stays()
    {
        var (user, session) = await TalkAsync("uno");
        var before = await MessagesAsync(user, session);
        (await user.PutAsync($"/api/chat/messages/{before[0].Id}", new { content = "otro" })).Expect(HttpStatusCode.OK);
        var question = ModelScripts.NewQuestion();
        var gate = new TaskCompletionSource();
        Model.On(question, ScriptedUpstreamReply.Stream().Role().Delta("Hola").WaitFor(gate.Task).Finish().Done());
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content");

        (await user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = before[0].Id })).ExpectProblem(HttpStatusCode.Conflict, "run_in_progress");
        (await user.PostAsync(Regenerate(session), new { message_id = before[1].Id })).ExpectProblem(HttpStatusCode.Conflict, "run_in_progress");
        (await user.PutAsync($"/api/chat/messages/{before[0].Id}", new { content = "más" })).ExpectProblem(HttpStatusCode.Conflict, "run_in_progress");

        gate.SetResult();
        Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("done"));
        Assert.That((await MessagesAsync(user, session)).Select(message => message.Content).Take(1), Is.EqualTo(["otro"]));
    }

    [Test]
    public async Task The_same_key_makes_one_reply_anew()
    {
        var (user, session) = await TalkAsync("uno");
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        await using var first = await user.StreamAsync(Regenerate(session), new { }, key);
        await first.ReadToEndAsync();
        await using var second = await user.StreamAsync(Regenerate(session), new { }, key);
        await second.ReadToEndAsync();

        Assert.That((second.RunId, second.Content), Is.EqualTo((first.RunId, first.Content)));
        Assert.That(await MessagesAsync(user, session, "?tree=true"), Has.Count.EqualTo(3));
        await using var other = await user.StreamAsync(Regenerate(session), new { temperature = 1 }, key);
        (await other.RefusalAsync()).ExpectProblem(HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
    }

    [Test]
    public async Task Who_changes_branches_and_asks_at_once_leaves_one_branch()
    {
        var (user, session) = await TalkAsync("uno");
        var before = await MessagesAsync(user, session);
        (await user.PutAsync($"/api/chat/messages/{before[0].Id}", new { content = "otro" })).Expect(HttpStatusCode.OK);
        var ends = (await MessagesAsync(user, session, "?tree=true")).Where(message => message.Role == "assistant").Select(message => message.Id).ToList();

        await Task.WhenAll(Enumerable.Range(0, 24).Select(async number =>
        {
            if (number % 3 == 0)
                await user.PostAsync("/api/chat", new { content = $"n{number}", session_id = session });
            else
                await user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = ends[number % 2] });
        }));

        var branch = await MessagesAsync(user, session, "?limit=200");
        Assert.That(branch[0].Parent, Is.Null);
        for (var index = 1; index < branch.Count; index++)
            Assert.That(branch[index].Parent, Is.EqualTo(branch[index - 1].Id), "Each follows the one before it.");
    }

    [Test]
    public async Task Who_asks_anew_deletes_and_changes_branches_at_once_leaves_a_whole_tree()
    {
        var (user, session) = await TalkAsync("uno", "dos");
        var first = await MessagesAsync(user, session);
        (await user.PutAsync($"/api/chat/messages/{first[2].Id}", new { content = "tres" })).Expect(HttpStatusCode.OK);
        (await user.PutAsync($"/api/chat/messages/{first[0].Id}", new { content = "otro" })).Expect(HttpStatusCode.OK);
        var all = await MessagesAsync(user, session, "?tree=true");

        for (var round = 0; round < 4; round++)
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
            {
                var id = all[(number + round) % all.Count].Id;
                _ = (number % 5) switch
                {
                    0 => await user.PutAsync($"/api/chat/messages/{id}", new { content = $"n{number}" }),
                    1 => await user.PostAsync(Regenerate(session), new { message_id = id }),
                    2 => number == 12 ? await user.DeleteAsync($"/api/chat/messages/{id}") : await user.PostAsync("/api/chat", new { content = "más", session_id = session }),
                    _ => await user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = id }),
                };
            }));

        await Poll.UntilAsync(
            async () => (await user.GetAsync($"/api/chat/realtime/sessions/{session}/stream")).Status == HttpStatusCode.NoContent, "the end of all replies");
        var tree = await MessagesAsync(user, session, "?tree=true&limit=200");
        var branch = await MessagesAsync(user, session, "?limit=200");
        Assert.That(tree, Has.Count.LessThan(200), "All of it is looked at.");
        Assert.That(branch[0].Parent, Is.Null);
        for (var index = 1; index < branch.Count; index++)
            Assert.That(branch[index].Parent, Is.EqualTo(branch[index - 1].Id), "Each follows the one before it.");
        Assert.That(tree.Select(message => message.Parent).Where(parent => parent is not null).Distinct(), Is.SubsetOf(tree.Select(message => message.Id)));
        foreach (var siblings in tree.GroupBy(message => message.Parent))
            Assert.That(siblings.Select(message => message.Siblings), Is.All.EqualTo(siblings.Select(message => message.Id)));
    }

    [Test]
    public async Task A_branch_of_a_conversation_that_is_being_deleted_is_shown_or_is_404()
    {
        var user = NewUser();
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async _ =>
        {
            var session = await user.CreateSessionAsync();
            var message = await user.ImportAsync(session, "uno");
            var showing = Enumerable.Range(0, 4).Select(_ => user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = message })).ToList();
            (await user.DeleteAsync($"/api/chat/sessions/{session}?permanent=true")).Expect(HttpStatusCode.OK);
            Assert.That((await Task.WhenAll(showing)).Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.NotFound));
        }));
    }

    [Test]
    public async Task Messages_that_are_deleted_at_once_leave_no_gap()
    {
        const int length = 40;
        var user = NewUser();
        var session = await ImportAsync(user, [.. Enumerable.Range(0, length).Select(number => Imported($"{number}", number == 0 ? null : $"{number - 1}", "assistant"))]);
        var all = await MessagesAsync(user, session, "?limit=200");

        await Task.WhenAll(all.Skip(1).Take(length - 2).Select(async message => (await user.DeleteAsync($"/api/chat/messages/{message.Id}")).Expect(HttpStatusCode.OK)));

        Assert.That((await MessagesAsync(user, session)).Select(message => (message.Id, message.Parent)), Is.EqualTo([(all[0].Id, null), (all[^1].Id, (string?)all[0].Id)]));
    }

    [Test]
    public async Task A_thousand_messages_may_follow_one()
    {
        var user = NewUser();
        var many = Enumerable.Range(0, 1000).Select(number => Imported($"a{number}", "q", "assistant")).ToList();
        var replies = await ImportAsync(user, [Imported("q", null, "user"), .. many]);
        var questions = await ImportAsync(user, [.. Enumerable.Range(0, 1000).Select(number => Imported($"q{number}", null, "user"))]);

        var page = await MessagesAsync(user, replies, "?tree=true&limit=200");
        Assert.That(page.Skip(1).Select(message => message.Siblings.Length), Is.All.EqualTo(1000));
        Assert.That(page.Skip(1).Select(message => message.Index), Is.EqualTo(Enumerable.Range(1, 199)));
        var last = (await MessagesAsync(user, questions))[0].Id;
        (await user.PostAsync(Regenerate(replies), new { })).ExpectProblem(HttpStatusCode.Conflict, "too_many_siblings");
        (await user.PutAsync($"/api/chat/messages/{last}", new { content = "otra" })).ExpectProblem(HttpStatusCode.Conflict, "too_many_siblings");
        (await user.PostAsync(Regenerate(questions), new { })).Expect(HttpStatusCode.OK);
        (await user.PutAsync($"/api/chat/messages/{page[0].Id}", new { content = "otra" })).Expect(HttpStatusCode.OK);

        // What follows a message that is deleted follows the one before it.
        var both = await ImportAsync(user, [Imported("q", null, "user"), Imported("a0", "q", "assistant"), Imported("b0", "a0", "user"), Imported("b1", "a0", "user"), .. many[1..]]);
        var middle = (await MessagesAsync(user, both, "?tree=true&limit=2"))[1].Id;
        (await user.DeleteAsync($"/api/chat/messages/{middle}")).ExpectProblem(HttpStatusCode.Conflict, "too_many_siblings");
        (await user.GetAsync($"/api/chat/messages/{middle}")).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task A_branch_may_be_very_long()
    {
        // More than a statement of SQLite's may have parameters.
        const int length = 33_000;
        var user = NewUser();
        var session = await ImportAsync(user, [.. Enumerable.Range(0, length).Select(number => Imported($"{number}", number == 0 ? null : $"{number - 1}", "assistant", false)), Imported("otra", null, "user")]);
        var first = (await MessagesAsync(user, session, "?tree=true&limit=1"))[0].Id;

        (await user.PutAsync($"/api/chat/sessions/{session}/branch", new { message_id = first })).Expect(HttpStatusCode.OK);

        Assert.That(await MessagesAsync(user, session, "?limit=200"), Has.Count.EqualTo(200));
    }

    private static object Imported(string id, string? parent, string role, bool isOnBranch = true) =>
        new { id, parent_id = parent, role, content = id, created_at = "2024-01-01T00:00:00Z", on_branch = isOnBranch };

    private static async Task<string> ImportAsync(ApiClient user, object[] messages)
    {
        var file = new { version = 1, sessions = new[] { new { title = "Importada", created_at = "2024-01-01T00:00:00Z", messages } } };
        return (await user.PostAsync("/api/chat/import", file)).Expect(HttpStatusCode.Created).Json.GetProperty("ids")[0].GetString()!;
    }

    private static string Regenerate(string session) => $"/api/chat/realtime/sessions/{session}/regenerate";

    private async Task<(ApiClient User, string Session)> TalkAsync(params string[] questions)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        foreach (var question in questions)
            await AskAsync(user, session, question);
        return (user, session);
    }

    private static async Task AskAsync(ApiClient user, string session, string question) =>
        (await user.PostAsync("/api/chat", new { content = question, session_id = session })).Expect(HttpStatusCode.OK);

    private static async Task<List<Message>> MessagesAsync(ApiClient user, string session, string query = "")
    {
        var answer = await user.GetAsync($"/api/chat/sessions/{session}/messages{query}");
        return [.. answer.Expect(HttpStatusCode.OK).Items.Select(message => new Message(
            message.GetProperty("id").GetString()!, message.GetProperty("parent_id").GetString(), message.GetProperty("role").GetString()!,
            message.GetProperty("content").GetString()!,
            [.. message.GetProperty("sibling_ids").EnumerateArray().Select(id => id.GetString()!)], message.GetProperty("sibling_index").GetInt32()))];
    }

    private sealed record Message(string Id, string? Parent, string Role, string Content, string[] Siblings, int Index);
}
