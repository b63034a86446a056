using System.Net;
using System.Text.Json;
using ChatApi.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary>What was used by day and model, and what it costs by the operator's prices.</summary>
[TestFixture(Storage.Sqlite)]
[TestFixture(Storage.Postgres)]
[Parallelizable(ParallelScope.All)]
public sealed class UsageByDayTests(Storage storage)
{
    private static readonly string[] BadQueries =
    [
        "from=2026-13-01", "from=2026-02-30", "from=2026-1-1", "from=01/31/2026", "from=x", "to=2026-01-01T00:00:00Z", "from=+2026-01-01", "from=20260101", "from=0000-01-01",
        "from=2026-02-01&to=2026-01-31", "from=2025-01-01&to=2026-01-02", "from=9999-12-31", "from=2026-01-01&from=2026-01-01", "to=2026-01-01%00",
    ];

    private Cluster _cluster = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _cluster = await Cluster.StartAsync(storage, 1, new() { ["CHAT_PRICES"] = "scripted-model=2/8.5,old=1/1", ["CHAT_PRICES_CURRENCY"] = "EUR" });

    [OneTimeTearDown]
    public async Task EndAsync() => await _cluster.DisposeAsync();

    [Test]
    public async Task Days_are_summed_by_model_with_their_costs_and_deleted_replies_stay_in_them()
    {
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync("mía");
        await AskAsync(user, session, ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Usage(1000, 200).Done());
        await AskAsync(user, session, ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Done());
        var before = await DaysAsync(user);
        (await user.DeleteAsync($"/api/chat/sessions/{session}")).Expect(HttpStatusCode.OK);

        var usage = (await user.GetAsync("/api/chat/usage")).Expect(HttpStatusCode.OK).Json;
        var day = usage.GetProperty("days").EnumerateArray().Single();
        Assert.That(day.GetRawText(), Is.EqualTo(before.Single().GetRawText()), "Deleted replies were paid for.");
        var (prompt, completion, estimated) = (Number(day, "prompt_tokens"), Number(day, "completion_tokens"), Number(day, "estimated_tokens"));
        Assert.Multiple(() =>
        {
            Assert.That(day.GetProperty("day").GetString(), Is.EqualTo(DateTime.UtcNow.ToString("yyyy-MM-dd")));
            Assert.That(day.GetProperty("model").GetString(), Is.EqualTo("scripted-model"));
            Assert.That(Number(day, "replies"), Is.EqualTo(2));
            Assert.That(estimated, Is.GreaterThan(0).And.EqualTo(prompt - 1000 + completion - 200));
            Assert.That(Number(day, "total_tokens"), Is.EqualTo(prompt + completion));
            Assert.That(day.GetProperty("cost").GetDecimal(), Is.EqualTo((prompt * 2 + completion * 8.5m) / 1_000_000));
            Assert.That(usage.GetProperty("currency").GetString(), Is.EqualTo("EUR"));
            Assert.That(Number(usage.GetProperty("today"), "replies"), Is.EqualTo(2));
        });
    }

    [Test]
    public async Task Any_days_can_be_asked_for_and_only_those_come_in_their_order()
    {
        var user = _cluster.NewUser();
        var today = DateOnly.FromDateTime(DateTime.UtcNow);
        foreach (var (userId, day, model) in new[]
        {
            (user.UserId, "2024-02-28", "old"), (user.UserId, "2024-02-29", "unpriced"), (user.UserId, "2024-02-29", "old-2024-02-29"), (user.UserId, "2024-02-29", ""),
            (user.UserId, "2024-03-01", "old"), (user.UserId, Text(today.AddDays(-29)), "old"), (user.UserId, Text(today.AddDays(-30)), "old"), (Guid.CreateVersion7(), "2024-02-29", "old"),
        })
            await StoreAsync(userId, day, model);

        Assert.That(
            await DaysAsync(user, "?from=2024-02-29&to=2024-03-01"),
            Is.EqualTo(
                [
                    Row("2024-02-29", "null", "null"), Row("2024-02-29", "\"old-2024-02-29\"", "0.000007"), Row("2024-02-29", "\"unpriced\"", "null"),
                    Row("2024-03-01", "\"old\"", "0.000007"),
                ]).Using<JsonElement, string>((element, text) => element.GetRawText() == text));
        Assert.That((await DaysAsync(user)).Select(Day), Is.EqualTo([Text(today.AddDays(-29))]), "30 days, unless it is said.");
        Assert.That(await DaysAsync(user, "?to=2024-03-29"), Has.Count.EqualTo(4), "30 days before it.");
        Assert.That((await DaysAsync(user, "?to=2024-03-30")).Select(Day), Is.EqualTo(["2024-03-01"]));
        Assert.That(await DaysAsync(user, "?from=2024-02-29&to=2025-02-28"), Has.Count.EqualTo(4), "A year, and a day more.");
        Assert.That(await DaysAsync(user, "?from=&to="), Has.Count.EqualTo(1));
        Assert.That(await DaysAsync(user, "?to=0001-01-01"), Is.Empty);
        Assert.That(await DaysAsync(user, "?from=9999-01-01&to=9999-12-31"), Is.Empty);

        static string Row(string day, string model, string cost) =>
            $$"""{"day":"{{day}}","model":{{model}},"replies":1,"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,"estimated_tokens":7,"cost":{{cost}}}""";
    }

    [TestCaseSource(nameof(BadQueries))]
    public async Task What_are_no_days_is_400(string query) => (await _cluster.NewUser().GetAsync($"/api/chat/usage?{query}")).Expect(HttpStatusCode.BadRequest);

    [Test]
    public async Task A_refusal_names_the_parameter()
    {
        var refused = (await _cluster.NewUser().GetAsync("/api/chat/usage?to=tomorrow")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        Assert.That(refused.Json.GetProperty("errors").TryGetProperty("to", out _), Is.True);
    }

    [Test]
    public async Task A_conversation_is_summed_over_all_its_branches_and_models()
    {
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync("mía");
        Assert.That(
            (await user.GetAsync($"/api/chat/sessions/{session}/usage")).Expect(HttpStatusCode.OK).Text,
            Is.EqualTo($$"""{"session_id":"{{session}}","replies":0,"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"estimated_tokens":0,"cost":0,"currency":"EUR","models":[]}"""));

        var question = _cluster.Model.Ask(ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Usage(10, 20).Done());
        await AskAsync(user, session, question);
        await user.ImportAsync(session, "importada");
        await using (var again = await ReplyReader.OpenAsync(
            user.Http, new HttpRequestMessage(HttpMethod.Post, $"/api/chat/realtime/sessions/{session}/regenerate")
            {
                Content = new StringContent($$"""{"message_id":"{{(await user.GetAsync($"/api/chat/sessions/{session}/messages")).Items[0].GetProperty("id").GetString()}}"}""", ApiClient.JsonType),
            }, EventDialect.Post))
            Assert.That((await again.ReadToEndAsync()).Type, Is.EqualTo("done"));
        Assert.That(await user.StoredAsync(session), Has.Count.EqualTo(2), "One branch is shown.");

        const string Sum = "\"replies\":2,\"prompt_tokens\":20,\"completion_tokens\":40,\"total_tokens\":60,\"estimated_tokens\":0,\"cost\":0.00038";
        var path = $"/api/chat/sessions/{session}/usage";
        Assert.That(
            (await user.GetAsync(path)).Text,
            Is.EqualTo($$"""{"session_id":"{{session}}",{{Sum}},"currency":"EUR","models":[{"model":"scripted-model",{{Sum}}}]}"""));

        var other = Event("unpriced", "Adiós");
        await AskAsync(user, session, other);
        var usage = (await user.GetAsync(path)).Json;
        Assert.That(usage.GetProperty("models").EnumerateArray().Select(model => model.GetProperty("model").GetString()), Is.EqualTo(["scripted-model", "unpriced"]));
        Assert.That(usage.GetProperty("cost").ValueKind, Is.EqualTo(JsonValueKind.Null), "One of the models has no price.");
        Assert.That(Number(usage, "replies"), Is.EqualTo(3));
        (await _cluster.NewUser().GetAsync(path)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    [Test]
    public async Task What_a_deleted_account_has_used_is_deleted_with_it()
    {
        const string password = "una-clave-larga canary";
        var nobody = ApiClient.Nobody(_cluster.Replicas[0]);
        var signedIn = (await nobody.PostAsync("/api/auth/register", new { email = $"{Guid.NewGuid():N}@example.com", password })).Expect(HttpStatusCode.Created);
        var user = new ApiClient(_cluster.Replicas[0], signedIn.Json.GetProperty("user").GetProperty("id").GetGuid(), signedIn["token"]);
        await AskAsync(user, await user.CreateSessionAsync(), ModelScripts.NewQuestion());
        Assert.That(await CountAsync(user.UserId), Is.EqualTo(1));

        (await user.SendAsync(HttpMethod.Delete, "/api/auth/me", new { password })).Expect(HttpStatusCode.NoContent);
        Assert.That(await CountAsync(user.UserId), Is.Zero);
    }

    [Test]
    public async Task A_reply_that_is_deleted_for_good_while_it_is_made_was_paid_for()
    {
        var user = _cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = _cluster.Model.Ask(ScriptedUpstreamReply.Stream().Delta("Hola").Silence());
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content");
        if (storage != Storage.Sqlite)
            await ExecuteAsync(
                $"""
                CREATE FUNCTION chat.linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN OLD; END $$;
                CREATE TRIGGER linger BEFORE DELETE ON chat.sessions FOR EACH ROW WHEN (OLD.id = '{session}') EXECUTE FUNCTION chat.linger()
                """);

        (await user.DeleteAsync($"/api/chat/sessions/{session}?permanent=true")).Expect(HttpStatusCode.OK);

        Assert.That((await reply.ReadToEndAsync())["code"], Is.EqualTo("not_found"));
        var day = (await DaysAsync(user)).Single();
        Assert.That((Number(day, "replies"), day.GetProperty("model").GetString()), Is.EqualTo((1, "scripted-model")));
        Assert.That(Number(day, "total_tokens"), Is.EqualTo(Number(day, "estimated_tokens")).And.GreaterThan(1));
    }

    /// <summary>A question that is answered by a model of this name.</summary>
    private string Event(string model, string text) => _cluster.Model.Ask(ScriptedUpstreamReply.Stream()
        .Event(ScriptedUpstreamReply.Chunk($$"""{"content":"{{text}}"}""").Replace("scripted-model", model, StringComparison.Ordinal), text)
        .Event(ScriptedUpstreamReply.Chunk("{}", "\"stop\"").Replace("scripted-model", model, StringComparison.Ordinal)).Done());

    private Task AskAsync(ApiClient user, string session, ScriptedUpstreamReply reply) => AskAsync(user, session, _cluster.Model.Ask(reply));

    private static async Task AskAsync(ApiClient user, string session, string question) =>
        (await user.PostAsync("/api/chat", new { content = question, session_id = session })).Expect(HttpStatusCode.OK);

    private static async Task<List<JsonElement>> DaysAsync(ApiClient user, string query = "") =>
        [.. (await user.GetAsync($"/api/chat/usage{query}")).Expect(HttpStatusCode.OK).Json.GetProperty("days").EnumerateArray()];

    private static string Day(JsonElement row) => row.GetProperty("day").GetString()!;

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd");

    private static long Number(JsonElement json, string name) => json.GetProperty(name).GetInt64();

    private Task StoreAsync(Guid userId, string day, string model) => ExecuteAsync(
        $"INSERT INTO {Table} (user_id, day, model, replies, prompt_tokens, completion_tokens, estimated_tokens) VALUES ('{Sql(userId)}', '{day}', '{model}', 1, 5, 2, 7)");

    private string Table => storage == Storage.Sqlite ? "daily_usage" : "chat.daily_usage";

    private static string Sql(Guid id) => id.ToString().ToUpperInvariant();

    private async Task ExecuteAsync(string sql)
    {
        if (storage != Storage.Sqlite)
        {
            await _cluster.Postgres!.ExecuteAsync(sql, _cluster.DatabaseName);
            return;
        }

        await using var connection = new SqliteConnection(SqliteFile);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    private async Task<long> CountAsync(Guid userId)
    {
        if (storage != Storage.Sqlite)
            return await _cluster.Postgres!.CountAsync($"chat.daily_usage WHERE user_id = '{userId}'", _cluster.DatabaseName);
        await using var connection = new SqliteConnection(SqliteFile);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM daily_usage WHERE user_id = '{Sql(userId)}'";
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private string SqliteFile => $"Data Source={Path.Combine(_cluster.Replicas[0].WorkingDirectory, "data", "chatapi.db")};Pooling=false";
}
