using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>Two processes behind a real nginx, which buffers as it does by default.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ProxyTests
{
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 300).Select(i => $"pieza {i}, 👋🏽 ñ; ")];

    [Test]
    public async Task Pieces_come_through_as_they_are_made()
    {
        await using var world = await World.StartAsync();
        var (user, session) = await world.NewSessionAsync();
        var gates = Enumerable.Range(0, 5).Select(_ => new TaskCompletionSource()).ToList();
        var script = ScriptedUpstreamReply.Stream().Role();
        for (var i = 0; i < gates.Count; i++)
            script.WaitFor(gates[i].Task).Delta(Pieces[i]);
        await using var reply = await user.StreamAsync(session, world.Cluster.Model.Ask(script.Finish().Done()));

        await reply.UntilAsync(received => received.Type == "start");
        for (var i = 0; i < gates.Count; i++)
        {
            gates[i].SetResult();
            await reply.UntilAsync(received => received["content"] == Pieces[i]);
        }

        Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("done"));
    }

    [Test]
    public async Task Whoever_is_sent_to_another_process_after_a_kill_gets_the_text_so_far_and_an_honest_end()
    {
        await using var world = await World.StartAsync();
        var (user, session) = await world.NewSessionAsync();
        await using var reply = await user.StreamAsync(session, world.Cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(40), Pieces)));
        await reply.UntilAsync(received => received.Type == "content" && received.Seq > 30);

        // nginx has sent it to one of the two: which, their logs tell.
        var maker = await Poll.ForAsync(
            () => Task.FromResult(world.Cluster.Replicas.SingleOrDefault(replica => replica.Output.Contains($"Run {reply.RunId} started", StringComparison.Ordinal))),
            "the line of the process that makes the reply");
        maker.Kill();
        var killed = DateTimeOffset.UtcNow;
        var (text, seq) = (reply.Content, reply.Last.Seq);
        ReceivedEvent? end = null;
        while (end is null)
        {
            try
            {
                await using var back = await user.AttachAsync(session, "", ("Last-Event-ID", $"{reply.RunId}:{seq}"));
                while (await back.NextAsync() is { } received)
                    (text, seq, end) = (text + received["content"], received.Seq, received.IsTerminal ? received : null);
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException)
            {
                await Task.Delay(200);
            }
        }

        Assert.That((end.Type, end["code"]), Is.EqualTo(("error", "interrupted")));
        Assert.That(DateTimeOffset.UtcNow - killed, Is.LessThan(TimeSpan.FromSeconds(30)));
        var stored = (await user.StoredAsync(session))[1].Content;
        Assert.That(text, Does.StartWith(stored).Or.EqualTo(stored), "Shown may be what was not journalled yet, and nothing else.");
        Assert.That(string.Concat(Pieces), Does.StartWith(stored));
    }

    private sealed class World(Cluster cluster, NginxServer nginx) : IAsyncDisposable
    {
        public Cluster Cluster => cluster;

        public static async Task<World> StartAsync()
        {
            var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 2);
            return new World(cluster, await NginxServer.StartAsync(cluster.Replicas.Select(replica => replica.Address)));
        }

        public async Task<(ApiClient User, string Session)> NewSessionAsync()
        {
            var id = Guid.CreateVersion7();
            var user = new ApiClient(cluster.Replicas[0], id, TestTokens.For(id), nginx.Address);
            return (user, await user.CreateSessionAsync());
        }

        public async ValueTask DisposeAsync()
        {
            await nginx.DisposeAsync();
            await cluster.DisposeAsync();
        }
    }
}
