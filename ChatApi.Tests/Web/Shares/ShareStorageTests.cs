using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Shares;

/// <summary>What is kept of shares, and for how long; and how often strangers may try.</summary>
[Parallelizable(ParallelScope.Self)]
public sealed class ShareStorageTests
{
    private ScriptedUpstream _upstream = null!;

    [OneTimeSetUp]
    public void Start() => _upstream = ScriptedUpstream.Start();

    [OneTimeTearDown]
    public async Task EndAsync() => await _upstream.DisposeAsync();

    [TestCase(Storage.Sqlite)]
    [TestCase(Storage.Postgres)]
    public async Task Only_a_hash_is_kept_and_what_has_expired_opens_nothing_and_goes(Storage storage)
    {
        await using var cluster = await Cluster.StartAsync(storage, replicas: 1);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var (kept, expired) = (await ShareAsync(user, session), await ShareAsync(user, session));
        Assert.That(await CountAsync(cluster, "length(token_hash) = 32"), Is.EqualTo(2));
        Assert.That(await CountAsync(cluster, $"snapshot LIKE '%{kept["token"]}%' OR title LIKE '%{kept["token"]}%'"), Is.Zero);

        var update = $"UPDATE {Table(cluster)} SET expires_at = '2020-01-01 00:00:00' WHERE lower(CAST(id AS text)) = '{expired["id"]}'";
        if (storage == Storage.Sqlite)
            await cluster.SqliteAsync(update);
        else
            await cluster.Postgres!.ExecuteAsync(update, cluster.DatabaseName);

        var nobody = ApiClient.Nobody(cluster.Replicas[0]);
        (await nobody.GetAsync($"/api/shared/{kept["token"]}")).Expect(HttpStatusCode.OK);
        (await nobody.GetAsync($"/api/shared/{expired["token"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await nobody.GetAsync($"/shared/{expired["token"]}")).Expect(HttpStatusCode.NotFound);
        Assert.That((await user.GetAsync("/api/chat/shares")).Items.Single().GetProperty("id").GetString(), Is.EqualTo(kept["id"]));
        (await user.DeleteAsync($"/api/chat/shares/{expired["id"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        Assert.That(await CountAsync(cluster, "true"), Is.EqualTo(2), "Whoever only reads changes nothing.");
        for (var number = 1; number < 100; number++)
            await ShareAsync(user, session);
        (await user.PostAsync($"/api/chat/sessions/{session}/share", null)).ExpectProblem(HttpStatusCode.Conflict, "too_many_shares");

        await cluster.RestartAsync(0);

        await Poll.UntilAsync(async () => await CountAsync(cluster, "true") == 100, "the purge", TimeSpan.FromSeconds(30));
        (await ApiClient.Nobody(cluster.Replicas[0]).GetAsync($"/api/shared/{kept["token"]}")).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task Strangers_are_counted_by_their_address_as_elsewhere()
    {
        var settings = ChatApiEnvironment.Settings(_upstream);
        settings["CHAT_LIMIT_REQUESTS_PER_MINUTE"] = "4";
        await using var server = await ChatApiProcess.StartAsync(settings);
        var nobody = ApiClient.Nobody(server);

        for (var tries = 0; tries < 2; tries++)
        {
            (await nobody.GetAsync("/api/shared/guess")).Expect(HttpStatusCode.NotFound);
            (await nobody.GetAsync("/shared/guess")).Expect(HttpStatusCode.NotFound);
        }

        (await nobody.GetAsync("/api/shared/guess")).ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
        (await nobody.GetAsync("/shared/guess")).ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
    }

    private static async Task<ApiAnswer> ShareAsync(ApiClient user, string session) =>
        (await user.PostAsync($"/api/chat/sessions/{session}/share", new { expires_in_days = 1 })).Expect(HttpStatusCode.Created);

    private static string Table(Cluster cluster) => cluster.Storage == Storage.Sqlite ? "shares" : "chat.shares";

    private static Task<long> CountAsync(Cluster cluster, string condition) => cluster.Storage == Storage.Sqlite
        ? cluster.SqliteAsync($"SELECT count(*) FROM shares WHERE {condition}")
        : cluster.Postgres!.CountAsync($"chat.shares WHERE {condition}", cluster.DatabaseName);
}
