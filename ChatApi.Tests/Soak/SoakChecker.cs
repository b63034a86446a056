using System.Globalization;
using System.Net;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Soak;

/// <summary>Reads, when all is quiet again, what became of each turn, and compares it with what the model said and viewers saw.</summary>
public sealed class SoakChecker(SoakWorld world)
{
    private static readonly string[] Deadly = ["kill", "terminate", "nap", "sleep past the lease"];

    private static readonly string[] Forgetting = ["redis dies", "redis flushed"];

    /// <summary>From when a fault is noted until the process has really stopped; what is asked in between may already be in vain.</summary>
    private static readonly TimeSpan StrikeTime = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<string, int> _ends = [];
    private ILookup<string, ScriptedUpstreamCall> _calls = null!;

    public async Task<SoakResult> CheckAsync()
    {
        _calls = world.Cluster.Upstream.Calls.ToLookup(SoakWorld.QuestionOf);
        foreach (var turn in world.Turns.Where(turn => turn.RunId is not null))
            await CheckAsync(turn);
        foreach (var calls in _calls.Where(calls => calls.Count() > 1))
            world.Violate($"{calls.Key}: the model was asked {calls.Count()} times");
        foreach (var session in world.Turns.GroupBy(turn => turn.SessionId))
            await CheckSessionAsync(session.Key, [.. session]);
        var figures = Figures().ToList();
        if (world.Violations.Count > 0)
            figures.Add($"faults in order: {string.Join(", ", world.Faults.Select(fault => $"{world.Clock(fault.At)} {fault.Name}"))}");
        if (world.Cluster.Postgres is not null)
            figures.Add(await CheckDatabaseAsync());
        return new SoakResult([.. world.Violations], figures);
    }

    private async Task CheckAsync(SoakTurn turn)
    {
        var user = world.Cluster.On(0, turn.User);
        var run = await user.GetAsync($"/api/chat/runs/{turn.RunId}");
        if (run.Status != HttpStatusCode.OK)
        {
            world.Violate($"{turn.Question}: its run is answered with {run.Status}");
            return;
        }

        var (status, stored) = (run["status"], run["content"]);
        _ends[status] = _ends.GetValueOrDefault(status) + 1;
        Expect(status != "running", turn, "is still running");
        Expect(turn.Text.StartsWith(stored, StringComparison.Ordinal), turn, $"{status}, but what is stored is not what the model said");
        Expect(status != "completed" || stored == turn.Text, turn, "is completed without all of its text");
        Expect(status is "completed" or "stopped" or "interrupted", turn, $"ended as {status}");
        Expect(status != "stopped" || turn.IsStopAsked, turn, "was stopped by nobody");
        foreach (var (text, end) in turn.Seen)
            CheckViewer(turn, status, stored, text, end);
        if (status == "interrupted")
            CheckLedger(turn, stored);
    }

    private void CheckViewer(SoakTurn turn, string status, string stored, string text, ReceivedEvent? end)
    {
        var isWhole = status is "completed" or "stopped";
        if (isWhole && end is not null)
            Expect(text == stored, turn, $"a viewer saw {text.Length} characters to the end, {stored.Length} are stored");
        Expect(
            stored.StartsWith(text, StringComparison.Ordinal) || !isWhole && text.StartsWith(stored, StringComparison.Ordinal),
            turn,
            "a viewer saw another text than is stored");
        Expect(turn.Text.StartsWith(text, StringComparison.Ordinal), turn, "a viewer saw what the model did not say");
        if (end is not null)
            Expect(end.Type == (isWhole ? "done" : "error"), turn, $"{status} was told as {end.Type}");
    }

    /// <summary>What the model had sent a second before the process was struck is stored.</summary>
    private void CheckLedger(SoakTurn turn, string stored)
    {
        if (_calls[turn.Question].FirstOrDefault() is not { } call)
            return;
        var (struck, by) = world.Faults.Where(fault => Deadly.Contains(fault.Name) && fault.At + StrikeTime > call.At)
            .DefaultIfEmpty((At: DateTimeOffset.MaxValue, Name: "nothing")).MinBy(fault => fault.At);

        // A process and what Redis held, both lost before a third could end the run, are two faults: the text was nowhere else.
        if (world.Faults.Any(fault => Forgetting.Contains(fault.Name) && fault.At > struck && fault.At - struck < TimeSpan.FromSeconds(30)))
            return;
        var sent = string.Concat(call.Sent.Where(sent => sent.At < struck - TimeSpan.FromSeconds(1)).Select(sent => sent.Text));
        Expect(stored.StartsWith(sent, StringComparison.Ordinal), turn,
            $"asked at {world.Clock(call.At)}, struck by {by} at {world.Clock(struck)}: {sent.Length} characters were sent a second before, {stored.Length} are stored");
    }

    private async Task CheckSessionAsync(string session, IReadOnlyList<SoakTurn> turns)
    {
        var questions = new List<string>();
        for (var next = $"/api/chat/sessions/{session}/messages?limit=200"; next is not null;)
        {
            var page = (await world.Cluster.On(0, turns[0].User).GetAsync(next)).Expect(HttpStatusCode.OK);
            questions.AddRange(page.Items.Where(message => message.GetProperty("role").GetString() == "user")
                .Select(message => message.GetProperty("content").GetString()!));
            next = page.NextPage();
        }

        foreach (var turn in turns.Where(turn => turn.RunId is not null))
            Expect(questions.Count(question => question == turn.Question) == 1, turn, "the question is not stored once");
    }

    private async Task<string> CheckDatabaseAsync()
    {
        var (postgres, name) = (world.Cluster.Postgres!, world.Cluster.DatabaseName);
        var connections = await postgres.CountAsync($"pg_stat_activity WHERE datname = '{name}' AND usename = '{PostgresServer.UserName}'", name);
        var open = await postgres.CountAsync($"pg_stat_activity WHERE datname = '{name}' AND state LIKE 'idle in transaction%'", name);
        var journal = await postgres.CountAsync("chat.run_journal", name);
        if (open > 0)
            world.Violate($"{open} transactions were left open");
        if (connections > 20 * world.Cluster.Replicas.Count)
            world.Violate($"{connections} connections are open");
        return $"connections at the end: {connections}, open transactions: {open}, rows left in the journal: {journal}";
    }

    private IEnumerable<string> Figures()
    {
        var watched = world.Turns.Sum(turn => turn.Seen.Count);
        yield return $"turns: {world.Turns.Count}, taken: {world.Turns.Count(turn => turn.RunId is not null)}, viewers that saw the end: {watched}";
        yield return $"ends: {string.Join(", ", _ends.OrderBy(end => end.Key).Select(end => $"{end.Key} {end.Value}"))}";
        yield return $"faults: {string.Join(", ", world.Faults.GroupBy(fault => fault.Name).Select(fault => $"{fault.Key} {fault.Count()}"))}";
        var memory = world.Memory.ToList();
        var quarter = memory.Count / 4;
        if (quarter > 0)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"memory of the replica that was never ended: {memory.Skip(quarter).Take(quarter).Average():F0} MB in the second quarter, {memory.TakeLast(quarter).Average():F0} MB in the last, {memory.Max():F0} MB at most");
    }

    private void Expect(bool holds, SoakTurn turn, string otherwise)
    {
        if (!holds)
            world.Violate(turn, otherwise);
    }
}
