using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>An account that one process deletes is gone for all of them, and no late write brings anything of it back.</summary>
[TestFixture(Storage.Postgres)]
[TestFixture(Storage.PostgresAndRedis)]
[Parallelizable(ParallelScope.Self)]
public sealed class DeletedAccountTests(Storage storage)
{
    private const string Password = "correct horse battery";
    private static readonly TimeSpan FewSeconds = TimeSpan.FromSeconds(5);
    private Cluster _cluster = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _cluster = await Cluster.StartAsync(storage, replicas: 2);

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }

    [Test]
    public async Task A_reply_made_by_one_is_stopped_by_a_deletion_at_another_and_nothing_is_left()
    {
        var user = await RegisterAsync();
        await using var reply = await TellingAsync(user, out var call);

        (await DeleteAsync(_cluster.On(1, user))).Expect(HttpStatusCode.NoContent);

        (await _cluster.On(1, user).GetAsync("/api/auth/me")).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        await call().ClientClosed.WaitAsync(FewSeconds);
        await reply.ReadToEndAsync();
        await RefusedAsync(user);
        await GoneAsync();
    }

    [Test]
    public async Task The_process_that_makes_the_reply_sleeps_through_the_deletion()
    {
        var user = await RegisterAsync();
        await using var reply = await TellingAsync(user, out var call);
        _cluster.Replicas[0].Suspend();
        try
        {
            (await DeleteAsync(_cluster.On(1, user))).Expect(HttpStatusCode.NoContent);
            await GoneAsync();
        }
        finally
        {
            _cluster.Replicas[0].Resume();
        }

        await RefusedAsync(user);
        await call().ClientClosed.WaitAsync(FewSeconds);
        await GoneAsync();
    }

    [Test]
    public async Task What_is_written_after_the_deletion_is_removed()
    {
        var user = await RegisterAsync();
        (await DeleteAsync(user)).Expect(HttpStatusCode.NoContent);

        await _cluster.Postgres!.ExecuteAsync(
            $"INSERT INTO chat.sessions (id, user_id, title, created_at, updated_at, last_message_at, last_position) VALUES ('{Guid.CreateVersion7()}', '{user.UserId}', 'tarde', now(), now(), now(), 0)",
            _cluster.DatabaseName);

        await GoneAsync();
    }

    [Test]
    public async Task A_deletion_whose_process_died_at_once_is_finished_by_another()
    {
        var user = await RegisterAsync();
        await using var reply = await TellingAsync(user, out var call);

        await _cluster.Postgres!.ExecuteAsync($"INSERT INTO chat.deleted_accounts (user_id) VALUES ('{user.UserId}')", _cluster.DatabaseName);

        await RefusedAsync(user);
        await call().ClientClosed.WaitAsync(FewSeconds);
        await GoneAsync();
    }

    [Test]
    public async Task A_process_that_starts_knows_who_was_deleted_before()
    {
        var user = await RegisterAsync();
        (await DeleteAsync(user)).Expect(HttpStatusCode.NoContent);

        await _cluster.Replicas[1].StopAsync();
        await _cluster.RestartAsync(1);

        (await _cluster.On(1, user).GetAsync("/api/auth/me")).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    private static Task<ApiAnswer> DeleteAsync(ApiClient user) => user.SendAsync(HttpMethod.Delete, "/api/auth/me", new { password = Password });

    private async Task<ApiClient> RegisterAsync()
    {
        var answer = await ApiClient.Nobody(_cluster.Replicas[0])
            .PostAsync("/api/auth/register", new { email = $"user-{Guid.NewGuid():N}@example.com", password = Password });
        var id = answer.Expect(HttpStatusCode.Created).Json.GetProperty("user").GetProperty("id").GetGuid();
        var user = new ApiClient(_cluster.Replicas[0], id, answer["token"]);
        (await user.GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);
        (await _cluster.On(1, user).GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);
        return user;
    }

    private Task<ReplyReader> TellingAsync(ApiClient user, out Func<ScriptedUpstreamCall> call)
    {
        var question = _cluster.Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Había una vez").Silence());
        call = () => _cluster.Model.CallsFor(question).Single();
        return OpenAsync();

        async Task<ReplyReader> OpenAsync()
        {
            var reply = await user.StreamAsync(await user.CreateSessionAsync(), question);
            await reply.UntilAsync(received => received.Type == "content");
            return reply;
        }
    }

    /// <summary>A token that every process has let in, and remembers, is let in by none any more.</summary>
    private async Task RefusedAsync(ApiClient user)
    {
        for (var replica = 0; replica < _cluster.Replicas.Count; replica++)
        {
            var there = _cluster.On(replica, user);
            await Poll.UntilAsync(
                async () => (await there.GetAsync("/api/auth/me")).Status == HttpStatusCode.Unauthorized, $"401 at process {replica}", FewSeconds);
        }
    }

    private async Task GoneAsync()
    {
        foreach (var table in new[] { "users", "sessions", "messages", "runs", "run_journal" })
            await Poll.UntilAsync(
                async () => await _cluster.Postgres!.CountAsync($"chat.{table}", _cluster.DatabaseName) == (table == "users" ? 1 : 0), $"an empty {table}", FewSeconds);
        if (_cluster.Redis is { } redis)
            await Poll.UntilAsync(async () => !(await redis.CommandAsync("KEYS", "chatapi:run:*")).Contains("chatapi", StringComparison.Ordinal), "no journals", FewSeconds);
    }
}
