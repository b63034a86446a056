using System.Diagnostics;
using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>SIGTERM while much is going on.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ShutdownTests
{
    private const int Runs = 20;
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 400).Select(i => $"pieza {i}; ")];

    [Test]
    public async Task Each_of_fifty_viewers_of_twenty_replies_sees_an_end_and_the_process_is_gone_in_time()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 1);
        var user = cluster.NewUser();

        // Half of them end within the time that they are given.
        var readers = new List<ReplyReader>();
        for (var run = 0; run < Runs; run++)
        {
            var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(100), run % 2 == 0 ? Pieces : Pieces[..100]));
            var session = await user.CreateSessionAsync();
            var reader = await user.StreamAsync(session, question);
            await reader.UntilAsync(received => received.Type == "content");
            readers.Add(reader);
            readers.Add(await user.AttachAsync(session));
            if (run % 2 == 0)
                readers.Add(await user.AttachAsync(session));
        }

        var watch = Stopwatch.StartNew();
        cluster.Replicas[0].Terminate();
        await Poll.UntilAsync(
            async () => (await user.GetAsync("/health/ready")).Status == HttpStatusCode.ServiceUnavailable, "readiness to end", TimeSpan.FromSeconds(2));
        var ends = await Task.WhenAll(readers.Select(reader => reader.ReadToEndAsync()));
        var code = await cluster.Replicas[0].WaitForExitAsync();
        watch.Stop();

        Assert.That(code, Is.Zero);
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(30)));
        Assert.That(ends.Count(end => end.Type == "done"), Is.EqualTo(Runs));
        Assert.That(ends.Where(end => end.Type != "done").Select(end => end["code"]), Is.All.EqualTo("interrupted"));
        await cluster.RestartAsync(0);
        foreach (var (reader, end) in readers.Zip(ends))
        {
            var message = (await cluster.On(0, user).GetAsync($"/api/chat/messages/{end["message_id"]}")).Expect(HttpStatusCode.OK);
            Assert.That((message["content"], message["status"]), Is.EqualTo((reader.Content, end.Type == "done" ? "completed" : "interrupted")));
            await reader.DisposeAsync();
        }
    }

    [Test]
    public async Task Replies_that_are_just_being_started_get_the_same_time_as_the_others()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 1);
        var user = cluster.NewUser();
        var sessions = new List<string>();
        for (var run = 0; run < Runs; run++)
            sessions.Add(await user.CreateSessionAsync());
        // Storing the question takes a while: the signal comes in the middle of it.
        cluster.DatabaseProxy!.Delay(TimeSpan.FromMilliseconds(150));
        var starts = sessions.Select(async (session, run) =>
        {
            await Task.Delay(run * 30);

            // Those that come last take longest: they are not to be cut when the others have ended.
            var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(50), Pieces[..(run < 5 ? 10 : 100)]));
            return await user.StreamAsync(session, question);
        }).ToList();
        await Task.Delay(Runs * 30 / 2);
        var watch = Stopwatch.StartNew();
        cluster.Replicas[0].Terminate();

        var readers = await Task.WhenAll(starts);
        var taken = readers.Where(reader => reader.Response.StatusCode == HttpStatusCode.OK).ToList();
        var ends = await Task.WhenAll(taken.Select(reader => reader.ReadToEndAsync()));
        Assert.That(await cluster.Replicas[0].WaitForExitAsync(), Is.Zero);

        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(20)), () => $"Nobody waits when nothing is under way.\n{cluster.Replicas[0].Output}");
        Assert.That(taken, Has.Count.InRange(1, Runs - 1), "Some were in time, and some too late.");
        Assert.That(ends.Select(end => end.Type), Is.All.EqualTo("done"));
        Assert.That(
            readers.Except(taken).Select(reader => reader.Response.StatusCode), Is.All.EqualTo(HttpStatusCode.ServiceUnavailable));
        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Test]
    public async Task Viewers_of_a_reply_that_another_process_makes_are_let_go_and_come_back_elsewhere()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 3);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(50), Pieces[..120]));
        await using var here = await user.StreamAsync(session, question);
        await here.UntilAsync(received => received.Type == "content");
        await using var elsewhere = await cluster.On(1, user).AttachAsync(session);
        await elsewhere.UntilAsync(received => received.Type == "content");

        var watch = Stopwatch.StartNew();
        var stopped = cluster.Replicas[1].StopAsync(TimeSpan.FromSeconds(30));
        while (await elsewhere.NextAsync() is not null)
        {
        }

        Assert.That(await stopped, Is.Zero);
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)), "Nothing here had to be waited for.");
        Assert.That(elsewhere.Last.IsTerminal, Is.False);
        await using var back = await cluster.On(2, user).AttachAsync(session, "", ("Last-Event-ID", elsewhere.Last.Id!));
        await back.ReadToEndAsync();
        Assert.That(elsewhere.Content + back.Content, Is.EqualTo(string.Concat(Pieces[..120])));
    }

    [Test]
    public async Task Viewers_that_would_take_an_end_for_that_of_the_reply_see_the_connection_break_instead()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 2);
        var user = cluster.NewUser();
        var elsewhere = cluster.On(1, user);
        var gate = new TaskCompletionSource();
        var (ui, post) = (UIReply.Body("a-chat", "a-question", cluster.Model.Ask(Held())), cluster.Model.Ask(Held()));
        var session = await user.CreateSessionAsync();
        await using var uiReply = await UIReply.PostAsync(user, ui);
        await uiReply.UntilAsync("text-delta");
        await using var postReply = await user.StreamAsync(session, post, ("Idempotency-Key", "a-key"));
        await postReply.UntilAsync(received => received.Type == "content");

        await using var uiResumed = await UIReply.ResumeAsync(elsewhere, "a-chat");
        await using var uiRepeated = await UIReply.PostAsync(elsewhere, ui);
        await using var postRepeated = await elsewhere.StreamAsync(session, post, ("Idempotency-Key", "a-key"));
        await uiResumed.UntilAsync("text-delta");
        await uiRepeated.UntilAsync("text-delta");
        await postRepeated.UntilAsync(received => received.Type == "content");
        var stopped = cluster.Replicas[1].StopAsync(TimeSpan.FromSeconds(30));

        Assert.That(uiResumed.ReadToEndAsync, Throws.InstanceOf<IOException>());
        Assert.That(uiRepeated.ReadToEndAsync, Throws.InstanceOf<IOException>());
        Assert.That(postRepeated.ReadToEndAsync, Throws.InstanceOf<IOException>());
        Assert.That(await stopped, Is.Zero);
        gate.SetResult();
        await uiReply.ReadToEndAsync();
        Assert.That((await postReply.ReadToEndAsync()).Type, Is.EqualTo("done"));

        ScriptedUpstreamReply Held() => ScriptedUpstreamReply.Stream().Role().Delta("Media ").WaitFor(gate.Task).Delta("entera").Finish().Done();
    }
}
