using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>SQLite keeps times as texts: one and the same may be written in two ways.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SqliteLeaseTests
{
    [TestCase("120", TestName = "A_lease_that_ends_with_a_zero_expires_like_any_other")]
    [TestCase("000", TestName = "A_lease_that_ends_with_a_whole_second_expires_like_any_other")]
    public async Task A_run_is_ended_whatever_the_milliseconds_of_its_lease(string milliseconds)
    {
        await using var cluster = await Cluster.StartAsync(Storage.Sqlite, replicas: 1);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var pieces = Enumerable.Range(0, 2000).Select(piece => $"palabra{piece} ").ToArray();
        await using var reply = await user.StreamAsync(session, cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(25), pieces)));
        await reply.UntilAsync(received => received.Type == "content" && received.Seq > 20);

        // The first write to the journal is the compiler's, on a busy machine: it is to be there before the process dies.
        await Poll.UntilAsync(async () => await cluster.SqliteAsync("SELECT count(*) FROM run_journal") > 0, "the journal");
        cluster.Replicas[0].Kill();
        await cluster.Replicas[0].WaitForExitAsync();

        await cluster.SqliteAsync($"UPDATE runs SET lease_expires_at = substr(lease_expires_at, 1, 20) || '{milliseconds}' WHERE status = 'running'");
        var written = $"SELECT count(*) FROM runs WHERE status = 'running' AND lease_expires_at LIKE '%.{milliseconds}'";
        Assert.That(await cluster.SqliteAsync(written), Is.EqualTo(1));
        await cluster.RestartAsync(0);

        await Poll.UntilAsync(
            async () => (await cluster.On(0, user).GetAsync($"/api/chat/runs/{reply.RunId}"))["status"] == "interrupted", "the end of the run");
        Assert.That((await cluster.On(0, user).StoredAsync(session))[1].Content, Does.StartWith("palabra0 "));
    }
}
