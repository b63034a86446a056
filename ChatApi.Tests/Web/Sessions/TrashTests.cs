using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>What is deleted is gone at once and can be restored.</summary>
public sealed class TrashTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Path = "/api/chat/sessions";
    private static readonly string[] Words = [.. Enumerable.Range(1, 600).Select(number => $"palabra{number} ")];

    [Test]
    public async Task What_is_deleted_is_404_and_comes_back_as_it_was()
    {
        var user = NewUser();
        var answer = (await user.PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.OK);
        var (session, question) = (answer["session_id"]!, answer.Json.GetProperty("user_message").GetProperty("id").GetString());
        await using var reply = await user.StreamAsync(session, "Y más");
        await reply.ReadToEndAsync();
        var (before, stored) = ((await user.GetAsync($"{Path}/{session}")).Text, await user.StoredAsync(session));

        var deleted = (await user.DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);

        Assert.That((deleted["id"], deleted["deleted_at"]), Is.EqualTo((session, (await TrashAsync(user)).Items.Single().GetProperty("deleted_at").GetString())));
        foreach (var gone in new[] { $"{Path}/{session}", $"{Path}/{session}/messages", $"/api/chat/messages/{question}", $"/api/chat/runs/{reply.RunId}", $"/api/chat/realtime/sessions/{session}/stream", $"/api/chat/realtime/sessions/{session}/stream?run_id={reply.RunId}&after=0" })
            (await user.GetAsync(gone)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        await RefusedAsync(user, session, question!);
        Assert.That((await user.GetAsync(Path)).Text, Is.EqualTo("[]"));
        (await user.DeleteAsync($"{Path}/{session}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");

        var restored = (await user.PostAsync($"{Path}/{session}/restore", null)).Expect(HttpStatusCode.OK);

        Assert.That((restored.Text, (await user.GetAsync($"{Path}/{session}")).Text), Is.EqualTo((before, before)));
        Assert.That(await user.StoredAsync(session), Is.EqualTo(stored));
        Assert.That((await TrashAsync(user)).Text, Is.EqualTo("[]"));
        Assert.That((await user.PostAsync($"{Path}/{session}/restore", null)).Expect(HttpStatusCode.OK).Text, Is.EqualTo(before), "once more");
        (await user.PostAsync("/api/chat", new { content = "Sigue", session_id = session })).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task A_reply_in_the_making_is_stopped_and_what_it_said_so_far_comes_back()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(30), Words));
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content" && received.Seq > 5);

        (await user.DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);

        var end = await reply.ReadToEndAsync();
        Assert.That((end.Type, end["finish_reason"], end["full_content"]), Is.EqualTo(("done", "stopped", reply.Content)));
        await Model.CallsFor(question).Single().ClientClosed.WaitAsync(TimeSpan.FromSeconds(10));
        (await user.GetAsync($"{Path}/{session}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        Assert.That((await user.GetAsync(Path)).Text, Is.EqualTo("[]"), "What was stored late brought nothing back.");

        (await user.PostAsync($"{Path}/{session}/restore", null)).Expect(HttpStatusCode.OK);
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", reply.Content)]));
        (await user.PostAsync($"{Path}/{session}/messages", new { role = "user", content = "Sigue" })).Expect(HttpStatusCode.Created);
    }

    [Test]
    public async Task A_request_is_not_answered_a_second_time_because_its_reply_is_in_the_trash()
    {
        var user = NewUser();
        var question = ModelScripts.NewQuestion();
        var first = (await AskAsync(user, question)).Expect(HttpStatusCode.OK);
        (await user.DeleteAsync($"{Path}/{first["session_id"]}")).Expect(HttpStatusCode.OK);

        (await AskAsync(user, question)).ExpectProblem(HttpStatusCode.NotFound, "not_found");

        (await user.PostAsync($"{Path}/{first["session_id"]}/restore", null)).Expect(HttpStatusCode.OK);
        Assert.That((await AskAsync(user, question)).Expect(HttpStatusCode.OK).Text, Is.EqualTo(first.Text));
        Assert.That(Model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Permanently_is_for_good_from_the_trash_too(bool fromTrash)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync("adiós");
        await user.ImportAsync(session, "adiós");
        if (fromTrash)
            (await user.DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);

        Assert.That((await user.DeleteAsync($"{Path}/{session}?permanent=true")).Expect(HttpStatusCode.OK)["title"], Is.EqualTo("adiós"));

        (await user.PostAsync($"{Path}/{session}/restore", null)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.DeleteAsync($"{Path}/{session}?permanent=true")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        Assert.That((await TrashAsync(user)).Text, Is.EqualTo("[]"));
    }

    [Test]
    public async Task The_trash_is_walked_last_deleted_first()
    {
        var user = NewUser();
        var deleted = new List<string>();
        for (var i = 0; i < 7; i++)
            deleted.Insert(0, await user.CreateSessionAsync($"s{i}"));
        foreach (var session in deleted)
            (await user.DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);
        deleted.Reverse();

        var walked = new List<string>();
        for (var next = $"{Path}?deleted=true&limit=3"; next is not null;)
        {
            var page = (await user.GetAsync(next)).Expect(HttpStatusCode.OK);
            walked.AddRange(page.Items.Select(item => item.GetProperty("id").GetString()!));
            next = page.NextPage();
            var late = await user.CreateSessionAsync();
            (await user.DeleteAsync($"{Path}/{late}")).Expect(HttpStatusCode.OK);
        }

        Assert.That(walked, Is.EqualTo(deleted));
    }

    [Test]
    public async Task The_trash_is_its_owners()
    {
        var (owner, other) = (NewUser(), NewUser());
        var session = await owner.CreateSessionAsync();
        (await owner.DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);

        Assert.That((await TrashAsync(other)).Text, Is.EqualTo("[]"));
        (await other.PostAsync($"{Path}/{session}/restore", null)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await other.DeleteAsync($"{Path}/{session}?permanent=true")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await owner.PostAsync($"{Path}/{session}/restore", null)).Expect(HttpStatusCode.OK);
    }

    private static async Task RefusedAsync(ApiClient user, string session, string question)
    {
        var stream = $"/api/chat/realtime/sessions/{session}";
        foreach (var (method, path, body) in new (HttpMethod, string, object?)[]
        {
            (HttpMethod.Post, "/api/chat", new { content = "Hola", session_id = session }),
            (HttpMethod.Post, $"{Path}/{session}/messages", new { role = "user", content = "Hola" }),
            (HttpMethod.Post, $"{Path}/{session}/messages", new { role = "assistant", content = "Hola" }),
            (HttpMethod.Post, $"{stream}/stream", new { content = "Hola" }),
            (HttpMethod.Post, $"{stream}/stop", new { }),
            (HttpMethod.Post, $"{stream}/regenerate", new { }),
            (HttpMethod.Post, $"{stream}/regenerate", new { message_id = question }),
            (HttpMethod.Patch, $"{Path}/{session}", new { title = "no" }),
            (HttpMethod.Put, $"{Path}/{session}/branch", new { message_id = question }),
            (HttpMethod.Delete, $"/api/chat/messages/{question}", null),
        })
            (await user.SendAsync(method, path, body)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    private static Task<ApiAnswer> AskAsync(ApiClient user, string question)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = System.Net.Http.Json.JsonContent.Create(new { content = question }) };
        request.Headers.Add("Idempotency-Key", $"trash-{question.Split(' ')[^1]}");
        return user.SendAsync(request);
    }

    private static async Task<ApiAnswer> TrashAsync(ApiClient user) => (await user.GetAsync($"{Path}?deleted=true")).Expect(HttpStatusCode.OK);
}
