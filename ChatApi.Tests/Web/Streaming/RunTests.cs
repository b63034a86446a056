using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Streaming;

/// <summary>A run belongs to the server: leaving, coming back, stopping, and one at a time.</summary>
public sealed class RunTests(DatabaseKind database) : HttpSuite(database)
{
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 12).Select(i => $"pieza {i}; ")];

    [Test]
    public async Task A_client_that_leaves_loses_nothing([Values(1, 2, 3, 5, 8)] int events)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(15), Pieces));

        var reply = await user.StreamAsync(session, question);
        for (var i = 0; i < events; i++)
            await reply.NextAsync();
        await reply.DisposeAsync();

        await ExpectStatusAsync(user, reply.RunId, "completed");
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", string.Concat(Pieces))]));
        Assert.That(Model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_second_turn_while_one_runs_is_409_and_leaves_no_trace()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var running = await RunningAsync(user, session);

        await using var second = await user.StreamAsync(session, "¿Y ahora?");
        var refusals = new[]
        {
            await second.RefusalAsync(),
            await user.PostAsync("/api/chat", new { content = "¿Y ahora?", session_id = session }),
            await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "user", content = "¿Y ahora?" }),
        };

        foreach (var refusal in refusals)
            Assert.That(refusal.ExpectProblem(HttpStatusCode.Conflict, "run_in_progress")["run_id"], Is.EqualTo(running.RunId));
        Assert.That((await user.StoredAsync(session)).Select(message => message.Content), Does.Not.Contain("¿Y ahora?"));
        await StopAsync(user, session);
    }

    [Test]
    public async Task Of_turns_that_start_together_one_runs()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().WaitFor(gate.Task).Delta("uno").Finish().Done());

        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => user.StreamAsync(session, question)));
        gate.SetResult();

        Assert.That(replies.Select(reply => reply.Response.StatusCode).Order(),
            Is.EqualTo(Enumerable.Repeat(HttpStatusCode.Conflict, 5).Prepend(HttpStatusCode.OK)));
        await replies.Single(reply => reply.Response.StatusCode == HttpStatusCode.OK).ReadToEndAsync();
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", "uno")]));
        foreach (var reply in replies)
            await reply.DisposeAsync();
    }

    [Test]
    public async Task Two_sessions_of_a_user_run_side_by_side()
    {
        var user = NewUser();
        await using var first = await RunningAsync(user, await user.CreateSessionAsync());

        (await user.PostAsync("/api/chat", new { content = "otra" })).Expect(HttpStatusCode.OK);

        await StopAsync(user, first.Start["session_id"]!);
    }

    [Test]
    public async Task Stopping_keeps_the_text_ends_the_stream_and_closes_the_model()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await RunningAsync(user, session, out var question);

        var stopped = await StopAsync(user, session);
        var done = await reply.ReadToEndAsync();

        Assert.That((stopped["id"], stopped["session_id"]), Is.EqualTo((reply.RunId, session)));
        Assert.That((done.Type, done["finish_reason"], done["full_content"]), Is.EqualTo(("done", "stopped", "Había una vez")));
        await ExpectStatusAsync(user, reply.RunId, "stopped");
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", "Había una vez")]));
        await Model.CallsFor(question).Single().ClientClosed.WaitAsync(Poll.Patience);
    }

    [Test]
    public async Task Stopping_twice_is_as_good_as_once()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await RunningAsync(user, session);
        var path = $"/api/chat/realtime/sessions/{session}/stop";

        var answers = new[]
        {
            await user.PostAsync(path, new { run_id = reply.RunId }),
            await user.PostAsync(path, new { run_id = reply.RunId }),
        };
        await reply.ReadToEndAsync();
        var afterwards = await user.PostAsync(path, new { run_id = reply.RunId });

        Assert.That(answers.Append(afterwards).Select(answer => answer.Expect(HttpStatusCode.OK)["id"]), Is.All.EqualTo(reply.RunId));
        Assert.That(afterwards["status"], Is.EqualTo("stopped"));
    }

    [Test]
    public async Task Stopping_a_run_that_has_ended_changes_nothing()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await user.StreamAsync(session, "Hola");
        await reply.ReadToEndAsync();

        var answer = await user.PostAsync($"/api/chat/realtime/sessions/{session}/stop", new { run_id = reply.RunId });

        Assert.That(answer.Expect(HttpStatusCode.OK)["status"], Is.EqualTo("completed"));
    }

    [Test]
    public async Task A_run_can_be_polled()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await RunningAsync(user, session);

        var running = (await user.GetAsync($"/api/chat/runs/{reply.RunId}")).Expect(HttpStatusCode.OK);
        await StopAsync(user, session);

        Assert.That((running["id"], running["session_id"], running["message_id"]), Is.EqualTo((reply.RunId, session, reply.Start["message_id"])));
        Assert.That(running["status"], Is.EqualTo("running"));
        Assert.That(running["content"], Is.EqualTo("Había una vez").Or.EqualTo(""));
        Assert.That(running.Json.GetProperty("seq").GetInt64(), Is.GreaterThanOrEqualTo(0));
    }

    [Test]
    public async Task A_session_can_be_deleted_while_it_runs()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await RunningAsync(user, session, out var question);

        (await user.DeleteAsync($"/api/chat/sessions/{session}")).Expect(HttpStatusCode.OK);

        await reply.ReadToEndAsync();
        await Model.CallsFor(question).Single().ClientClosed.WaitAsync(Poll.Patience);
        (await user.GetAsync($"/api/chat/sessions/{session}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    private static async Task ExpectStatusAsync(ApiClient user, string run, string status) =>
        await Poll.UntilAsync(async () => (await user.GetAsync($"/api/chat/runs/{run}"))["status"] == status, $"the run being {status}");

    private static async Task<ApiAnswer> StopAsync(ApiClient user, string session) =>
        (await user.PostAsync($"/api/chat/realtime/sessions/{session}/stop", new { })).Expect(HttpStatusCode.OK);

    private Task<ReplyReader> RunningAsync(ApiClient user, string session) => RunningAsync(user, session, out _);

    /// <summary>A reply that has said something and goes on until it is stopped.</summary>
    private Task<ReplyReader> RunningAsync(ApiClient user, string session, out string question)
    {
        var asked = question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Había una vez").Silence());
        return StartAsync();

        async Task<ReplyReader> StartAsync()
        {
            var reply = await user.StreamAsync(session, asked);
            await reply.UntilAsync(received => received.Type == "content");
            return reply;
        }
    }
}
