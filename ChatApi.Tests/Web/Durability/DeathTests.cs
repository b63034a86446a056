using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>The process that makes a reply is killed, or sleeps for longer than its lease.</summary>
[TestFixture(Storage.Postgres)]
[TestFixture(Storage.PgBouncerTransaction)]
[TestFixture(Storage.PostgresAndRedis)]
[Parallelizable(ParallelScope.All)]
public sealed class DeathTests(Storage storage)
{
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 2000).Select(i => $"palabra{i} ñ👋 ")];
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(30);

    [Test]
    public async Task What_the_model_said_a_second_before_a_kill_is_stored_and_whoever_watches_elsewhere_is_told()
    {
        await using var cluster = await Cluster.StartAsync(storage, replicas: 2);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(Pace, Pieces));
        await using var here = await user.StreamAsync(session, question);
        await here.UntilAsync(received => received.Type == "content");
        await using var elsewhere = await cluster.On(1, user).AttachAsync(session);
        for (var i = 0; i < 10; i++)
            await elsewhere.NextAsync();
        await Task.Delay(Random.Shared.Next(500, 1500));

        cluster.Replicas[0].Kill();
        var killed = DateTimeOffset.UtcNow;
        var end = await elsewhere.UntilAsync(received => received.IsTerminal);

        Assert.That((end.Type, end["code"]), Is.EqualTo(("error", "interrupted")));
        Assert.That(DateTimeOffset.UtcNow - killed, Is.LessThan(Promised));
        var message = (await cluster.On(1, user).GetAsync($"/api/chat/messages/{here.Start["message_id"]}")).Expect(HttpStatusCode.OK);
        var call = cluster.Model.CallsFor(question).Single();
        var ledger = string.Concat(call.Sent.Where(sent => sent.At < killed - TimeSpan.FromSeconds(1)).Select(sent => sent.Text));
        Assert.That(message["status"], Is.EqualTo("interrupted"));
        Assert.That(message["content"], Does.StartWith(ledger));
        Assert.That(string.Concat(Pieces), Does.StartWith(message["content"]));
        Assert.That(elsewhere.Content, Is.EqualTo(message["content"]), "What was shown is what is stored.");
        Assert.That(message.Json.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), Is.GreaterThan(0));

        // Whoever watched the dead process comes back with a cursor that may be ahead of what is stored.
        await using var back = await cluster.On(1, user).AttachAsync(session, $"?run_id={here.RunId}&after={here.Last.Seq}");
        Assert.That((await back.ReadToEndAsync())["code"], Is.EqualTo("interrupted"));
        await using var next = await cluster.On(1, user).StreamAsync(session, "¿Sigues ahí?");
        Assert.That((await next.ReadToEndAsync()).Type, Is.EqualTo("done"));
        Assert.That(cluster.Model.CallsFor(question), Has.Count.EqualTo(1), "The model is never asked again by itself.");
    }

    [Test]
    public async Task A_reply_made_anew_that_dies_before_its_first_word_gives_its_place_back()
    {
        await using var cluster = await Cluster.StartAsync(storage, replicas: 2);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = ModelScripts.NewQuestion();
        (await user.PostAsync("/api/chat", new { content = question, session_id = session })).Expect(HttpStatusCode.OK);
        var before = await user.StoredAsync(session);
        cluster.Model.On(question, ScriptedUpstreamReply.Nothing().Silence());
        await using var reply = await user.StreamAsync($"/api/chat/realtime/sessions/{session}/regenerate", new { });
        await reply.UntilAsync(received => received.Type == "start");
        var other = cluster.On(1, user);
        Assert.That(await other.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", "")]));

        cluster.Replicas[0].Kill();
        await Poll.UntilAsync(async () => (await other.GetAsync($"/api/chat/runs/{reply.RunId}"))["status"] == "interrupted", "the end of the run", Promised);

        Assert.That(await other.StoredAsync(session), Is.EqualTo(before));
        Assert.That((await other.GetAsync($"/api/chat/sessions/{session}/messages?tree=true")).Items, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_process_that_slept_past_its_lease_changes_nothing_when_it_wakes()
    {
        await using var cluster = await Cluster.StartAsync(storage, replicas: 2);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(Pace, Pieces[..1000]));
        await using var here = await user.StreamAsync(session, question);
        await here.UntilAsync(received => received.Type == "content" && received.Seq > 20);

        // The first write to the journal is the compiler's, on a busy machine: it is to be there before the process sleeps.
        var other = cluster.On(1, user);
        var path = $"/api/chat/runs/{here.RunId}";
        await Poll.UntilAsync(async () => (await other.GetAsync(path))["content"].Length > 0, "the journal");
        cluster.Replicas[0].Suspend();
        await Poll.UntilAsync(async () => (await other.GetAsync(path))["status"] == "interrupted", "the end of the run", Promised);
        var ended = (await other.GetAsync(path)).Text;
        cluster.Replicas[0].Resume();
        var end = await here.UntilAsync(received => received.IsTerminal);
        await Task.Delay(TimeSpan.FromSeconds(2));

        Assert.That((end.Type, end["code"]), Is.EqualTo(("error", "interrupted")));
        Assert.That((await other.GetAsync(path)).Text, Is.EqualTo(ended));
        var stored = await other.StoredAsync(session);
        Assert.That(stored, Has.Count.EqualTo(2));
        Assert.That(string.Concat(Pieces), Does.StartWith(stored[1].Content));
        Assert.That(cluster.Model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_process_that_slept_past_its_lease_before_it_asked_the_model_does_not_ask_any_more()
    {
        await using var cluster = await Cluster.StartAsync(storage, replicas: 2);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var other = cluster.On(1, user);
        var question = ModelScripts.NewQuestion();
        await cluster.DelayCommitsAsync("chat.runs");

        var asking = user.StreamAsync(session, question);
        await cluster.UntilCommittingAsync();
        cluster.Replicas[0].Suspend();
        await Poll.UntilAsync(
            async () => await cluster.Postgres!.CountAsync("chat.runs WHERE status = 'interrupted'", cluster.DatabaseName) > 0, "the end of the run", Promised);
        cluster.Replicas[0].Resume();
        await using var here = await asking;
        var end = await here.ReadToEndAsync();

        Assert.That((end.Type, end["code"]), Is.EqualTo(("error", "interrupted")));
        Assert.That(cluster.Model.CallsFor(question), Is.Empty);
        Assert.That(await other.StoredAsync(session), Is.EqualTo([("user", question)]));
    }
}
