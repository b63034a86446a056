using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>Three processes that share a database: what one makes, the others show, stop, and end when it is gone.</summary>
[TestFixture(Storage.Postgres)]
[TestFixture(Storage.PgBouncerTransaction)]
[TestFixture(Storage.PostgresAndRedis)]
[Parallelizable(ParallelScope.Self)]
public sealed class ReplicaTests(Storage storage)
{
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 40).Select(i => $"pieza {i}, 👋🏽 ñ; ")];
    private static readonly string Text = string.Concat(Pieces);
    private Cluster _cluster = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _cluster = await Cluster.StartAsync(storage, replicas: 3);

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }

    [Test]
    public async Task A_reply_made_by_one_is_watched_live_through_another()
    {
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var (gate, last) = (new TaskCompletionSource(), new TaskCompletionSource());
        var question = _cluster.Model.Ask(ScriptedUpstreamReply.Stream().Role()
            .Delta("uno ").WaitFor(gate.Task).Delta("dos ").WaitFor(last.Task).Delta("tres").Finish().Usage(9, 3).Done());
        await using var here = await user.StreamAsync(session, question);
        await here.UntilAsync(received => received.Type == "content");

        await using var elsewhere = await _cluster.On(1, user).AttachAsync(session);
        await elsewhere.UntilAsync(received => received["content"] == "uno ");
        gate.SetResult();
        await elsewhere.UntilAsync(received => received["content"] == "dos ");
        last.SetResult();
        var end = await here.ReadToEndAsync();
        var endElsewhere = await elsewhere.ReadToEndAsync();

        Assert.That((elsewhere.Content, elsewhere.RunId), Is.EqualTo(("uno dos tres", here.RunId)));
        Assert.That(endElsewhere.Json.ToString(), Is.EqualTo(end.Json.ToString()));
    }

    [Test]
    public async Task Viewers_that_come_and_go_anywhere_with_any_cursor_see_the_stored_text()
    {
        var seed = Environment.TickCount;
        TestContext.Out.WriteLine($"seed {seed}");
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = _cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(40), Pieces));
        await using var reply = await user.StreamAsync(session, question);
        await reply.NextAsync();

        var seen = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => WatchInPiecesAsync(user, session, reply.RunId, new Random(seed + i))));
        await reply.ReadToEndAsync();

        Assert.That(seen, Is.All.EqualTo(Text));
        Assert.That(reply.Content, Is.EqualTo(Text));
    }

    [Test]
    public async Task A_reply_made_by_one_can_be_polled_and_found_through_another()
    {
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await TellingAsync(user, session, out _);

        var elsewhere = _cluster.On(2, user);
        await Poll.UntilAsync(
            async () => (await elsewhere.GetAsync($"/api/chat/runs/{reply.RunId}")).Expect(HttpStatusCode.OK) is var run
                && (run["status"], run["content"]) == ("running", "Había una vez") && run.Json.GetProperty("seq").GetInt32() == 1,
            "the text at the other process",
            TimeSpan.FromSeconds(2));
        await StopAsync(user, session);
        await reply.ReadToEndAsync();
    }

    [Test]
    public async Task A_reply_made_by_one_is_stopped_through_another_within_two_seconds()
    {
        // Once before the clock runs: the first call of each process is its compiler's.
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync();
        await using (await TellingAsync(user, session, out _))
            await StopAsync(_cluster.On(1, user), session);
        await using var reply = await TellingAsync(user, session, out var question);

        var asked = DateTimeOffset.UtcNow;
        var stopped = await StopAsync(_cluster.On(1, user), session);
        var closed = await _cluster.Model.CallsFor(question).Single().ClientClosed.WaitAsync(Poll.Patience);
        var end = await reply.ReadToEndAsync();

        Assert.That((stopped["status"], stopped["content"]), Is.EqualTo(("stopped", "Había una vez")));
        Assert.That(closed - asked, Is.LessThan(TimeSpan.FromSeconds(2)));
        Assert.That((end.Type, end["finish_reason"], end["full_content"]), Is.EqualTo(("done", "stopped", "Había una vez")));
        var usage = end.Json.GetProperty("usage");
        Assert.That(usage.GetProperty("estimated").GetBoolean(), Is.True);
        Assert.That(usage.GetProperty("completion_tokens").GetInt32(), Is.GreaterThan(0));
    }

    [Test]
    public async Task The_run_that_goes_on_is_the_latest_whatever_the_clock_of_the_process_that_made_another()
    {
        var (user, chat) = (_cluster.NewUser(), Guid.NewGuid().ToString("N"));
        var question = _cluster.Model.Ask(() => ScriptedUpstreamReply.Stream().Role().Delta("Hola").Finish().Done());
        var body = UIReply.Body(chat, "a-question", question);
        await using var first = await UIReply.PostAsync(user, body);
        await first.ReadToEndAsync();
        await _cluster.Postgres!.ExecuteAsync(
            $"UPDATE chat.runs SET created_at = created_at + interval '1 minute' WHERE message_id = '{first.MessageId}'", _cluster.DatabaseName);
        _cluster.Model.On(question, ScriptedUpstreamReply.Stream().Role().Delta("Había una vez").Silence());
        await using var second = await UIReply.PostAsync(user, UIReply.Body(chat, "a-question", question, "regenerate-message"));
        await second.UntilAsync("text-delta");

        await using var repeated = await UIReply.PostAsync(_cluster.On(1, user), body);
        await repeated.UntilAsync("text-delta");
        var stopped = (await _cluster.On(1, user).PostAsync($"/api/chat/ui/{chat}/stop", null)).Expect(HttpStatusCode.OK);
        await second.ReadToEndAsync();

        Assert.That((repeated.MessageId, stopped["message_id"], stopped["status"]), Is.EqualTo((second.MessageId, second.MessageId, "stopped")));
    }

    [Test]
    public async Task Of_fifty_equal_requests_over_three_processes_one_asks_the_model()
    {
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = _cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(20), Pieces));
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());

        var readers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _cluster.On(i % 3, user).StreamAsync(session, question, key)));
        await Task.WhenAll(readers.Select(reader => reader.ReadToEndAsync()));

        Assert.That(_cluster.Model.CallsFor(question), Has.Count.EqualTo(1));
        Assert.That(readers.Select(reader => reader.Content), Is.All.EqualTo(Text));
        Assert.That(readers.Select(reader => reader.RunId).Distinct().Count(), Is.EqualTo(1));
        Assert.That(readers.Count(reader => !reader.Response.Headers.Contains("Idempotency-Replayed")), Is.EqualTo(1));
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", Text)]));
        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Test]
    public async Task A_second_turn_through_another_process_is_409()
    {
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await TellingAsync(user, session, out _);

        var refused = await _cluster.On(1, user).PostAsync("/api/chat", new { content = "¿Y ahora?", session_id = session });

        Assert.That(refused.ExpectProblem(HttpStatusCode.Conflict, "run_in_progress")["run_id"], Is.EqualTo(reply.RunId));
        await StopAsync(user, session);
    }

    [Test]
    public async Task A_session_that_is_deleted_through_another_process_takes_its_reply_with_it()
    {
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await TellingAsync(user, session, out var question);

        (await _cluster.On(1, user).DeleteAsync($"/api/chat/sessions/{session}")).Expect(HttpStatusCode.OK);

        await reply.ReadToEndAsync();
        await _cluster.Model.CallsFor(question).Single().ClientClosed.WaitAsync(Poll.Patience);
        (await user.GetAsync($"/api/chat/runs/{reply.RunId}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    /// <summary>Watches a run in several goes, each somewhere else and from where the one before left off.</summary>
    private async Task<string> WatchInPiecesAsync(ApiClient user, string session, string runId, Random random)
    {
        var (text, seq) = ("", 0L);
        while (true)
        {
            var client = _cluster.On(random.Next(3), user);
            await using var reader = random.Next(2) == 0
                ? await client.AttachAsync(session, $"?run_id={runId}&after={seq}")
                : await client.AttachAsync(session, "", ("Last-Event-ID", $"{runId}:{seq}"));
            for (var left = random.Next(1, 12); left > 0; left--)
            {
                var received = await reader.NextAsync() ?? throw new AssertionException("The stream ended without its end.");
                Assert.That(received.Seq, Is.GreaterThan(seq));
                (text, seq) = (text + received["content"], received.Seq);
                if (received.Type == "done")
                    return text;
                Assert.That(received.Type, Is.EqualTo("content"));
            }

            await Task.Delay(random.Next(100));
        }
    }

    private Task<ReplyReader> TellingAsync(ApiClient user, string session, out string question)
    {
        var asked = question = _cluster.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Había una vez").Silence());
        return StartAsync();

        async Task<ReplyReader> StartAsync()
        {
            var reply = await user.StreamAsync(session, asked);
            await reply.UntilAsync(received => received.Type == "content");
            return reply;
        }
    }

    private static async Task<ApiAnswer> StopAsync(ApiClient user, string session) =>
        (await user.PostAsync($"/api/chat/realtime/sessions/{session}/stop", new { })).Expect(HttpStatusCode.OK);
}
