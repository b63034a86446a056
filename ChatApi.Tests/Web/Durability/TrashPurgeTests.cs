using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>What has been in the trash for too long is purged, by however many processes, and nothing else is.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TrashPurgeTests
{
    private const string Path = "/api/chat/sessions";

    private const string Fill =
        """
        INSERT INTO chat.sessions (id, user_id, title, created_at, updated_at, last_message_at, last_position, deleted_at)
        SELECT gen_random_uuid(), '{0}', 'vieja', now(), now(), now(), 1, now() - interval '30 days 1 minute' FROM generate_series(1, 1050);
        INSERT INTO chat.messages (id, session_id, user_id, position, role, content, created_at, status)
        SELECT gen_random_uuid(), id, user_id, 1, 'user', 'vieja', now(), 'completed' FROM chat.sessions WHERE title = 'vieja';
        INSERT INTO chat.sessions (id, user_id, title, created_at, updated_at, last_message_at, last_position, deleted_at)
        SELECT gen_random_uuid(), '{0}', 'nueva', now(), now(), now(), 1, now() - interval '29 days 23 hours' FROM generate_series(1, 3);
        """;

    [Test]
    public async Task Two_processes_that_start_together_purge_in_batches()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 2);
        var user = ApiClient.NewUser(cluster.Replicas[0]);
        var kept = await user.CreateSessionAsync("queda");
        await cluster.Postgres!.ExecuteAsync(Fill.Replace("{0}", $"{user.UserId}", StringComparison.Ordinal), cluster.DatabaseName);

        // What has expired is gone for its owner before it is purged.
        var trash = (await user.GetAsync($"{Path}?deleted=true")).Expect(HttpStatusCode.OK);
        Assert.That(trash.Items.Select(item => item.GetProperty("title").GetString()), Is.EqualTo(Enumerable.Repeat("nueva", 3)));

        await Task.WhenAll(cluster.RestartAsync(0), cluster.RestartAsync(1));

        await Poll.UntilAsync(
            async () => await cluster.Postgres.CountAsync("chat.sessions", cluster.DatabaseName) == 4, "the purge", TimeSpan.FromSeconds(30));
        Assert.That(await cluster.Postgres.CountAsync("chat.messages", cluster.DatabaseName), Is.Zero);
        Assert.That(() => Purged(cluster).Sum(), Is.EqualTo(1050).After(10_000, 50));
        Assert.That(Purged(cluster), Is.All.LessThanOrEqualTo(100));
        (await cluster.On(1, user).GetAsync($"{Path}/{kept}")).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task A_long_conversation_is_purged_in_short_statements()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 1);
        var user = cluster.NewUser();
        var kept = await user.CreateSessionAsync("queda");
        await user.ImportAsync(kept, "queda");
        await cluster.Postgres!.ExecuteAsync(
            $$"""
            INSERT INTO chat.sessions (id, user_id, title, created_at, updated_at, last_message_at, last_position, deleted_at)
            VALUES (gen_random_uuid(), '{{user.UserId}}', 'vieja', now(), now(), now(), 5000, now() - interval '31 days');
            INSERT INTO chat.messages (id, session_id, user_id, position, role, content, created_at, status)
            SELECT gen_random_uuid(), id, user_id, n, 'user', 'vieja', now(), 'completed' FROM chat.sessions, generate_series(1, 5000) n WHERE title = 'vieja';
            CREATE FUNCTION chat.few() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF (SELECT count(*) FROM gone) > 2000 THEN RAISE EXCEPTION 'too many at once'; END IF; RETURN NULL; END $$;
            CREATE TRIGGER few AFTER DELETE ON chat.messages REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION chat.few();
            """,
            cluster.DatabaseName);

        await cluster.RestartAsync(0);

        await Poll.UntilAsync(
            async () => await cluster.Postgres.CountAsync("chat.sessions", cluster.DatabaseName) == 1, "the purge", TimeSpan.FromSeconds(30));
        Assert.That(await cluster.Postgres.CountAsync("chat.messages", cluster.DatabaseName), Is.EqualTo(1));
    }

    [Test]
    public async Task A_file_is_purged_too()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Sqlite, replicas: 1);
        var user = cluster.NewUser();
        var (kept, old) = (await user.CreateSessionAsync("queda"), await user.CreateSessionAsync("vieja"));
        foreach (var session in new[] { kept, old })
        {
            (await user.PostAsync("/api/chat", new { content = "Hola", session_id = session })).Expect(HttpStatusCode.OK);
            (await user.PostAsync($"{Path}/{session}/share", new { expires_in_days = 1 })).Expect(HttpStatusCode.Created);
            (await user.DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);
        }

        await cluster.SqliteAsync("UPDATE sessions SET deleted_at = '2020-01-01 00:00:00' WHERE title = 'vieja'");
        await cluster.RestartAsync(0);

        await Poll.UntilAsync(async () => await cluster.SqliteAsync("SELECT count(*) FROM sessions") == 1, "the purge", TimeSpan.FromSeconds(30));
        Assert.That(await cluster.SqliteAsync("SELECT count(*) FROM messages"), Is.EqualTo(2));
        Assert.That(await cluster.SqliteAsync("SELECT count(*) FROM runs"), Is.EqualTo(1));
        Assert.That(await cluster.SqliteAsync("SELECT count(*) FROM shares"), Is.EqualTo(1));
        (await cluster.On(0, user).PostAsync($"{Path}/{kept}/restore", null)).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task A_deletion_at_one_process_stops_the_reply_that_another_makes()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 2);
        var user = ApiClient.NewUser(cluster.Replicas[0]);
        var session = await user.CreateSessionAsync();
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(30), [.. Enumerable.Range(1, 900).Select(i => $"palabra{i} ")]));
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content" && received.Seq > 5);

        (await cluster.On(1, user).DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);

        Assert.That((await reply.ReadToEndAsync())["finish_reason"], Is.EqualTo("stopped"));
        (await user.GetAsync($"{Path}/{session}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.PostAsync($"{Path}/{session}/restore", null)).Expect(HttpStatusCode.OK);
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", reply.Content)]));
    }

    [TestCase(Storage.Sqlite)]
    [TestCase(Storage.Postgres)]
    public async Task Without_a_trash_what_is_deleted_is_gone_at_once(Storage storage)
    {
        await using var cluster = await Cluster.StartAsync(storage, replicas: 1, new() { ["CHAT_TRASH_DAYS"] = "0" });
        var user = ApiClient.NewUser(cluster.Replicas[0]);
        var session = await user.CreateSessionAsync();

        (await user.DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);

        Assert.That((await user.GetAsync($"{Path}?deleted=true")).Expect(HttpStatusCode.OK).Text, Is.EqualTo("[]"));
        (await user.PostAsync($"{Path}/{session}/restore", null)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.DeleteAsync($"{Path}/{session}?permanent=true")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    [Test]
    public async Task An_account_that_is_deleted_takes_its_trash_along()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 1);
        var email = $"{Guid.NewGuid():N}@example.com";
        var made = (await ApiClient.Nobody(cluster.Replicas[0]).PostAsync("/api/auth/register", new { email, password = "correct horse battery" })).Expect(HttpStatusCode.Created);
        var user = new ApiClient(cluster.Replicas[0], made.Json.GetProperty("user").GetProperty("id").GetGuid(), made["token"]);
        (await user.DeleteAsync($"{Path}/{await user.CreateSessionAsync()}")).Expect(HttpStatusCode.OK);

        (await user.SendAsync(HttpMethod.Delete, "/api/auth/me", new { password = "correct horse battery" })).Expect(HttpStatusCode.NoContent);

        Assert.That(await cluster.Postgres!.CountAsync("chat.sessions", cluster.DatabaseName), Is.Zero);
    }

    /// <summary>How many sessions each statement purged, as the logs tell.</summary>
    private static List<int> Purged(Cluster cluster) => cluster.Outputs
        .SelectMany(output => System.Text.RegularExpressions.Regex.Matches(output, "([0-9]+) sessions were purged"))
        .Select(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))
        .ToList();
}
