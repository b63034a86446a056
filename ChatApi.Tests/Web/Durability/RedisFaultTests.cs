using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>Redis is an accelerator: whatever happens to it, replies are made, stored and readable.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class RedisFaultTests
{
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 120).Select(i => $"pieza {i}, 👋🏽 ñ; ")];
    private static readonly string Text = string.Concat(Pieces);

    public enum Fault
    {
        Killed,
        Restarted,
        Frozen,
        Flushed,
        Full,
        Reset,
    }

    [Test]
    public async Task In_the_middle_of_a_reply([Values] Fault fault)
    {
        await using var cluster = await Cluster.StartAsync(Storage.PostgresAndRedis, replicas: 2);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        await using var here = await user.StreamAsync(session, cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(30), Pieces)));
        await here.UntilAsync(received => received.Type == "content");
        await using var elsewhere = await cluster.On(1, user).AttachAsync(session);
        await elsewhere.UntilAsync(received => received.Type == "content");

        await StrikeAsync(cluster, fault);
        await here.ReadToEndAsync();
        await elsewhere.ReadToEndAsync();
        await using var late = await cluster.On(1, user).AttachAsync(session, $"?run_id={here.RunId}&after=0");
        await late.ReadToEndAsync();

        Assert.That((here.Content, elsewhere.Content, late.Content), Is.EqualTo((Text, Text, Text)));
        Assert.That((await user.StoredAsync(session))[1], Is.EqualTo(("assistant", Text)));
        cluster.Redis!.Resume();
        await using var next = await cluster.On(1, user).StreamAsync(session, "¿Sigues ahí?");
        Assert.That((await next.ReadToEndAsync()).Type, Is.EqualTo("done"));
    }

    [Test]
    public async Task After_it_a_kill_loses_nothing_that_is_a_second_old([Values(Fault.Killed, Fault.Frozen, Fault.Flushed, Fault.Full)] Fault fault)
    {
        await using var cluster = await Cluster.StartAsync(Storage.PostgresAndRedis, replicas: 2);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(30), [.. Pieces, .. Pieces, .. Pieces]));
        await using var here = await user.StreamAsync(session, question);
        await here.UntilAsync(received => received.Type == "content" && received.Seq > 10);

        await StrikeAsync(cluster, fault);
        await Task.Delay(2000);
        cluster.Replicas[0].Kill();
        var killed = DateTimeOffset.UtcNow;
        var other = cluster.On(1, user);
        await Poll.UntilAsync(
            async () => (await other.GetAsync($"/api/chat/runs/{here.RunId}"))["status"] == "interrupted", "the end of the run");

        var call = cluster.Model.CallsFor(question).Single();
        var ledger = string.Concat(call.Sent.Where(sent => sent.At < killed - TimeSpan.FromSeconds(1)).Select(sent => sent.Text));
        Assert.That((await other.StoredAsync(session))[1].Content, Does.StartWith(ledger));
        cluster.Redis!.Resume();
    }

    [Test]
    public async Task While_a_dead_process_is_buried_it_loses_nothing([Values(Fault.Full, Fault.Frozen, Fault.Reset)] Fault fault)
    {
        await using var cluster = await Cluster.StartAsync(Storage.PostgresAndRedis, replicas: 2);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(30), [.. Pieces, .. Pieces, .. Pieces]));
        await using var here = await user.StreamAsync(session, question);
        await here.UntilAsync(received => received.Type == "content" && received.Seq > 60);
        cluster.Replicas[0].Kill();
        var killed = DateTimeOffset.UtcNow;
        await Task.Delay(TimeSpan.FromSeconds(8));
        await StrikeAsync(cluster, fault);
        if (fault == Fault.Frozen)
        {
            // The other process has noticed the death, and asked for the text in vain.
            await Poll.UntilAsync(() => cluster.Replicas[1].Output.Contains("Redis does not answer", StringComparison.Ordinal), "a try");
            cluster.Redis!.Resume();
        }

        var other = cluster.On(1, user);
        await Poll.UntilAsync(
            async () => (await other.GetAsync($"/api/chat/runs/{here.RunId}"))["status"] == "interrupted", "the end of the run");
        Assert.That((DateTimeOffset.UtcNow - killed).TotalSeconds, Is.LessThan(30));
        var call = cluster.Model.CallsFor(question).Single();
        var ledger = string.Concat(call.Sent.Where(sent => sent.At < killed - TimeSpan.FromSeconds(1)).Select(sent => sent.Text));
        Assert.That(ledger, Is.Not.Empty);
        Assert.That((await other.StoredAsync(session))[1].Content, Does.StartWith(ledger));
    }

    [Test]
    public async Task A_process_starts_without_it_and_uses_it_when_it_comes()
    {
        await using var cluster = await Cluster.StartAsync(Storage.PostgresAndRedis, replicas: 1);
        await cluster.Redis!.KillAsync();
        await cluster.RestartAsync(0);
        var user = cluster.NewUser();
        await using var without = await user.StreamAsync(await user.CreateSessionAsync(), "Hola");
        Assert.That((await without.ReadToEndAsync()).Type, Is.EqualTo("done"));

        await cluster.Redis.RunAsync();
        await Poll.UntilAsync(
            async () =>
            {
                var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(50), Pieces[..20]));
                await using var reply = await user.StreamAsync(await user.CreateSessionAsync(), question);
                await reply.UntilAsync(received => received.Type == "content" && received.Seq > 5);
                return await cluster.Redis.CommandAsync("KEYS", "chatapi:run:*") != "*0";
            },
            "a journal in Redis");
    }

    [Test]
    public async Task What_ended_while_it_was_frozen_is_gone_when_it_answers()
    {
        await using var cluster = await Cluster.StartAsync(Storage.PostgresAndRedis, replicas: 1);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await user.StreamAsync(session, cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(30), Pieces)));
        await Poll.UntilAsync(async () => await cluster.Redis!.CommandAsync("KEYS", "chatapi:run:*") != "*0", "a journal in Redis");

        cluster.Redis!.Suspend();
        await reply.ReadToEndAsync();
        cluster.Redis.Resume();

        await Poll.UntilAsync(async () => await cluster.Redis.CommandAsync("KEYS", "chatapi:run:*") == "*0", "an empty Redis");
    }

    [Test]
    public async Task Nothing_of_a_reply_stays_in_it_or_in_the_database_after_the_end()
    {
        await using var cluster = await Cluster.StartAsync(Storage.PostgresAndRedis, replicas: 1);
        var user = cluster.NewUser();
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(30), Pieces[..30]));
        await using var reply = await user.StreamAsync(await user.CreateSessionAsync(), question);
        await reply.UntilAsync(received => received.Type == "content" && received.Seq > 5);
        await Poll.UntilAsync(async () => await cluster.Redis!.CommandAsync("KEYS", "chatapi:run:*") != "*0", "a journal in Redis");
        await reply.ReadToEndAsync();

        await Poll.UntilAsync(async () => await cluster.Redis!.CommandAsync("KEYS", "chatapi:run:*") == "*0", "an empty Redis");
        Assert.That(await cluster.Postgres!.CountAsync("chat.run_journal", cluster.DatabaseName), Is.Zero);
    }

    private static async Task StrikeAsync(Cluster cluster, Fault fault)
    {
        var redis = cluster.Redis!;
        switch (fault)
        {
            case Fault.Killed:
                await redis.KillAsync();
                break;
            case Fault.Restarted:
                await redis.KillAsync();
                await redis.RunAsync();
                break;
            case Fault.Frozen:
                redis.Suspend();
                break;
            case Fault.Flushed:
                await redis.CommandAsync("FLUSHALL");
                break;
            case Fault.Full:
                await redis.CommandAsync("CONFIG", "SET", "maxmemory", "1");
                break;
            case Fault.Reset:
                cluster.RedisProxy!.ResetAll();
                break;
        }
    }
}
