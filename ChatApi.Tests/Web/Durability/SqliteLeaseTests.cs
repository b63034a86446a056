using ChatApi.Tests.Support;
using Microsoft.Data.Sqlite;
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
        cluster.Replicas[0].Kill();
        await cluster.Replicas[0].WaitForExitAsync();

        var file = Path.Combine(cluster.Replicas[0].WorkingDirectory, "data", "chatapi.db");
        await using (var connection = new SqliteConnection($"Data Source={file};Pooling=false"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = $"UPDATE runs SET lease_expires_at = substr(lease_expires_at, 1, 20) || '{milliseconds}' WHERE status = 'running'";
            Assert.That(await command.ExecuteNonQueryAsync(), Is.EqualTo(1));
        }

        await cluster.RestartAsync(0);

        await Poll.UntilAsync(
            async () => (await cluster.On(0, user).GetAsync($"/api/chat/runs/{reply.RunId}"))["status"] == "interrupted", "the end of the run");
        Assert.That((await cluster.On(0, user).StoredAsync(session))[1].Content, Does.StartWith("palabra0 "));
    }
}
