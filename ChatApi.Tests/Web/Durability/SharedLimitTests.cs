using System.Diagnostics;
using System.Globalization;
using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>
/// With Redis, limits hold for all processes together; without it, they hold in each. Not beside other tests: a Redis that answers late,
/// because the machine has too much to do, is taken for one that is away.
/// </summary>
public sealed class SharedLimitTests
{
    [Test]
    public async Task Of_a_hundred_questions_to_three_processes_a_budget_for_three_pays_for_three()
    {
        await using var cluster = await StartAsync(3, BudgetForThree);
        cluster.Upstream.Default = _ => Costly();
        var user = cluster.NewUser();
        var answers = await AskAsync(cluster, user, 100);

        Assert.That(answers.Count(answer => answer.Status == HttpStatusCode.OK), Is.EqualTo(3));
        foreach (var refused in answers.Where(answer => answer.Status != HttpStatusCode.OK))
            refused.ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.That(cluster.Upstream.Calls, Has.Count.EqualTo(3 + cluster.Replicas.Count));
        await Poll.UntilAsync(async () => await TokensAsync(cluster.On(2, user)) == (3300, 0), "the same sum elsewhere");
    }

    [Test]
    public async Task Replies_at_a_time_are_counted_everywhere_and_a_dead_process_holds_none()
    {
        await using var cluster = await StartAsync(3, new()
        {
            ["CHAT_LIMIT_CONCURRENT_RUNS"] = "2",
            ["CHAT_LIMIT_TOKENS_PER_DAY"] = "1000000",
            ["UPSTREAM_IDLE_TIMEOUT_SECONDS"] = "600",
        });
        cluster.Upstream.Default = _ => ScriptedUpstreamReply.Stream().Delta("Hola, esto sigue").Silence();
        var user = cluster.NewUser();
        await using var dead = await StreamAsync(cluster.On(0, user));
        await dead.UntilAsync(received => received.Type == "content");
        await using var living = await StreamAsync(cluster.On(1, user));
        await living.UntilAsync(received => received.Type == "content");
        (await AskAsync(cluster.On(2, user))).ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");

        // Long enough for the journal, and for a lease that nobody renews to end.
        await Task.Delay(TimeSpan.FromSeconds(35));
        (await AskAsync(cluster.On(2, user))).ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
        cluster.Replicas[0].Kill();
        cluster.Upstream.Default = _ => ScriptedUpstreamReply.Text("Hola");
        await Poll.UntilAsync(
            async () => (await AskAsync(cluster.On(2, user))).Status == HttpStatusCode.OK, "a place", TimeSpan.FromSeconds(45));
        await Poll.UntilAsync(
            async () => (await cluster.On(2, user).GetAsync($"/api/chat/runs/{dead.RunId}"))["status"] == "interrupted", "the end of the dead process's reply");
        await Poll.UntilAsync(
            async () => await StoredTokensAsync(cluster.On(2, user)) is { Replies: 2 } stored
                && await TokensAsync(cluster.On(2, user)) is { Reserved: > 0 and < 3000 } tokens && tokens.Used == stored.Tokens,
            "the cost of the dead process's reply, and the tokens that are kept for the living one's");
        Assert.That(await UntimedKeysAsync(cluster), Is.Empty);
    }

    [Test]
    public async Task Requests_and_questions_are_counted_everywhere_and_let_in_again_when_was_said()
    {
        await using var cluster = await StartAsync(2, new()
        {
            ["CHAT_LIMIT_REQUESTS_PER_MINUTE"] = "6",
            ["CHAT_LIMIT_TURNS_PER_MINUTE"] = "2",
        });
        var user = cluster.NewUser();
        (await AskAsync(cluster, user, 2)).ToList().ForEach(answer => answer.Expect(HttpStatusCode.OK));
        (await AskAsync(cluster.On(1, user))).ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
        for (var request = 0; request < 4; request++)
            (await cluster.On(request % 2, user).GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
        var refused = (await cluster.On(1, user).GetAsync("/api/chat/sessions")).ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.That(SecondsOf(refused), Is.InRange(30, 60));

        // A minute, made shorter.
        await cluster.Redis!.CommandAsync("PEXPIRE", $"chatapi:limit:requests:{user.UserId:N}", "1500");
        refused = await cluster.On(1, user).GetAsync("/api/chat/sessions");
        Assert.That(SecondsOf(refused), Is.InRange(1, 2));
        Assert.That(refused.Header("RateLimit"), Does.StartWith("\"requests\";r=0;t="));
        await Task.Delay(TimeSpan.FromSeconds(SecondsOf(refused)));
        (await cluster.On(1, user).GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
        Assert.That(await UntimedKeysAsync(cluster), Is.Empty);
    }

    [Test]
    public async Task A_sum_that_redis_has_lost_is_made_of_what_the_database_has()
    {
        await using var cluster = await StartAsync(2, BudgetForThree);
        cluster.Upstream.Default = _ => Costly();
        var user = cluster.NewUser();
        (await AskAsync(user)).Expect(HttpStatusCode.OK);
        await cluster.Redis!.CommandAsync("FLUSHALL");
        Assert.That(await TokensAsync(cluster.On(1, user)), Is.EqualTo((1100, 0)));
        Assert.That((await AskAsync(cluster, user, 20)).Count(answer => answer.Status == HttpStatusCode.OK), Is.EqualTo(2));
    }

    /// <summary>Also where nothing was asked of it for a while before.</summary>
    [Test]
    public async Task Redis_that_answers_late_is_waited_for_and_nothing_is_spent_twice([Values] bool isUnused)
    {
        await using var cluster = await StartAsync(2, BudgetForThree);
        cluster.Upstream.Default = _ => Costly();
        var user = cluster.NewUser();
        await Task.Delay(TimeSpan.FromSeconds(isUnused ? 3 : 0));
        cluster.Redis!.Suspend();
        var asking = AskAsync(cluster, user, 20);
        await Task.Delay(TimeSpan.FromSeconds(1));
        cluster.Redis.Resume();

        Assert.That((await asking).Count(answer => answer.Status == HttpStatusCode.OK), Is.EqualTo(3));
        Assert.That(cluster.Outputs, Has.None.Contains("limits are counted in this process"));
        await Poll.UntilAsync(async () => await TokensAsync(user) == (3300, 0), "the sum");
    }

    [Test]
    public async Task What_redis_was_not_told_of_counts_in_every_process_when_it_is_back()
    {
        await using var cluster = await StartAsync(2, BudgetForThree);
        cluster.Upstream.Default = _ => Costly();
        var user = cluster.NewUser();
        (await AskAsync(user)).Expect(HttpStatusCode.OK);
        var gate = new TaskCompletionSource();
        cluster.Upstream.Default = _ => ScriptedUpstreamReply.Stream().Delta("Hola").WaitFor(gate.Task).Finish().Usage(100, 1000).Done();
        await using var reply = await StreamAsync(cluster.On(1, user));
        await reply.UntilAsync(received => received.Type == "content");

        cluster.RedisProxy!.Refuse();
        cluster.RedisProxy.ResetAll();
        gate.SetResult();
        Assert.That((await reply.ReadToEndAsync()).Type, Is.EqualTo("done"));
        cluster.RedisProxy.Heal();

        // Nobody asks the process that could not tell.
        await Poll.UntilAsync(async () => await cluster.Redis!.CommandAsync("GET", SumOf(user)) == "$4\r\n2200", "a sum that is told");
        await Poll.UntilAsync(async () => await TokensAsync(user) == (2200, 0), "the sum of both replies");
        Assert.That((await AskAsync(cluster, user, 10)).Count(answer => answer.Status == HttpStatusCode.OK), Is.EqualTo(1));
    }

    /// <summary>A process is held up between storing a reply and telling Redis of it.</summary>
    [Test]
    public async Task A_sum_that_is_made_while_a_reply_is_stored_but_not_yet_told_has_it_once()
    {
        await using var cluster = await StartAsync(2, BudgetForThree);
        cluster.Upstream.Default = _ => Costly();
        var user = cluster.NewUser();
        await cluster.DelayCommitsAsync("chat.daily_usage");
        var asking = AskAsync(user);
        await cluster.UntilCommittingAsync();
        cluster.Replicas[0].Suspend();
        var stored = $"chat.daily_usage WHERE user_id = '{user.UserId}'";
        await Poll.UntilAsync(async () => await cluster.Postgres!.CountAsync(stored, cluster.DatabaseName) > 0, "the reply");

        await cluster.Redis!.CommandAsync("DEL", SumOf(user));
        Assert.That((await TokensAsync(cluster.On(1, user))).Used, Is.EqualTo(1100));
        cluster.Replicas[0].Resume();
        (await asking).Expect(HttpStatusCode.OK);

        await Poll.UntilAsync(async () => (await TokensAsync(cluster.On(1, user))).Reserved == 0, "the end of the reservation");
        Assert.That((await TokensAsync(cluster.On(1, user))).Used, Is.EqualTo(1100));
    }

    public enum Fault
    {
        Killed,
        Frozen,
        Full,
    }

    [Test]
    public async Task Without_redis_each_process_goes_on_counting_and_nobody_waits([Values] Fault fault)
    {
        await using var cluster = await StartAsync(2, BudgetForThree);
        cluster.Upstream.Default = _ => Costly();
        var user = cluster.NewUser();
        (await AskAsync(user)).Expect(HttpStatusCode.OK);

        // Redis is told what it did cost after its end, and is to know it before it is away.
        await Poll.UntilAsync(async () => await TokensAsync(user) == (1100, 0), "what the first reply did cost");
        await (fault switch
        {
            Fault.Killed => cluster.Redis!.KillAsync(),
            Fault.Full => cluster.Redis!.CommandAsync("CONFIG", "SET", "maxmemory", "1"),
            _ => Task.Run(cluster.Redis!.Suspend),
        });

        var watch = Stopwatch.StartNew();
        (await cluster.On(1, user).GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
        Assert.That(watch.Elapsed.TotalSeconds, Is.LessThan(3));
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => AskAsync(user)));
        Assert.That(answers.Count(answer => answer.Status == HttpStatusCode.OK), Is.EqualTo(2));
        Assert.That(answers.Select(answer => (int)answer.Status), Is.All.AnyOf(200, 429));
        Assert.That(() => cluster.Replicas[0].Output, Does.Contain("limits are counted in this process").After(10_000, 50));

        // What was used meanwhile is told when it is back.
        cluster.Redis!.Resume();
        if (fault == Fault.Killed)
            await cluster.Redis.RunAsync();
        else
            await cluster.Redis.CommandAsync("CONFIG", "SET", "maxmemory", "0");
        await Poll.UntilAsync(
            async () =>
            {
                (await user.GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
                return cluster.Replicas[0].Output.Contains("limits are counted there", StringComparison.Ordinal);
            },
            "Redis in use");
        (await AskAsync(user)).ExpectProblem(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.That(await TokensAsync(user), Is.EqualTo((3300, 0)));
        await Poll.UntilAsync(async () => await TokensAsync(cluster.On(1, user)) == (3300, 0), "the same sum elsewhere");
    }

    private static Dictionary<string, string?> BudgetForThree => new()
    {
        ["CHAT_LIMIT_REQUESTS_PER_MINUTE"] = "100000",
        ["CHAT_MAX_OUTPUT_TOKENS"] = "1000",
        ["CHAT_LIMIT_TOKENS_PER_DAY"] = "3300",
    };

    private static ScriptedUpstreamReply Costly() => ScriptedUpstreamReply.Stream().Delta("Hola").Delay(300).Finish().Usage(100, 1000).Done();

    /// <summary>Processes that have warmed up, so that none is late.</summary>
    private static async Task<Cluster> StartAsync(int replicas, Dictionary<string, string?> limits)
    {
        var cluster = await Cluster.StartAsync(Storage.PostgresAndRedis, replicas, limits);
        foreach (var replica in cluster.Replicas)
            (await AskAsync(ApiClient.NewUser(replica))).Expect(HttpStatusCode.OK);
        return cluster;
    }

    private static Task<ApiAnswer> AskAsync(ApiClient user) => user.PostAsync("/api/chat", new { content = "Hola" });

    private static Task<ApiAnswer[]> AskAsync(Cluster cluster, ApiClient user, int times) =>
        Task.WhenAll(Enumerable.Range(0, times).Select(time => AskAsync(cluster.On(time % cluster.Replicas.Count, user))));

    private static async Task<ReplyReader> StreamAsync(ApiClient user) => await user.StreamAsync(await user.CreateSessionAsync(), "Hola");

    private static string SumOf(ApiClient user) => $"chatapi:limit:tokens:{user.UserId:N}:{DateTime.UtcNow:yyyyMMdd}";

    private static int SecondsOf(ApiAnswer answer) => int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture);

    private static async Task<(long Used, long Reserved)> TokensAsync(ApiClient user)
    {
        var tokens = (await user.GetAsync("/api/chat/usage")).Expect(HttpStatusCode.OK).Json.GetProperty("limits").GetProperty("tokens");
        return (tokens.GetProperty("used").GetInt64(), tokens.GetProperty("reserved").GetInt64());
    }

    private static async Task<(int Replies, long Tokens)> StoredTokensAsync(ApiClient user)
    {
        var today = (await user.GetAsync("/api/chat/usage")).Expect(HttpStatusCode.OK).Json.GetProperty("today");
        return (today.GetProperty("replies").GetInt32(), today.GetProperty("total_tokens").GetInt64());
    }

    /// <summary>What would stay in Redis for ever.</summary>
    private static async Task<IReadOnlyList<string>> UntimedKeysAsync(Cluster cluster)
    {
        var keys = (await cluster.Redis!.CommandAsync("KEYS", "chatapi:limit:*")).Split("\r\n").Where(line => line.StartsWith("chatapi:", StringComparison.Ordinal)).ToList();
        Assert.That(keys, Is.Not.Empty);
        var untimed = new List<string>();
        foreach (var key in keys)
            if (await cluster.Redis.CommandAsync("PTTL", key) == ":-1")
                untimed.Add(key);
        return untimed;
    }
}
