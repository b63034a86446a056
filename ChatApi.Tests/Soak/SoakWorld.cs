using System.Collections.Concurrent;
using System.Globalization;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Soak;

/// <summary>What users and faults share: the replicas, who of them is out, the turns so far, and what must not have happened.</summary>
public sealed class SoakWorld
{
    private readonly ConcurrentDictionary<string, SoakTurn> _turns = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly ConcurrentQueue<(DateTimeOffset At, string Name)> _faults = new();
    private readonly ConcurrentQueue<double> _memory = new();
    private readonly HashSet<int> _out = [];
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
    private int _numbers;

    public SoakWorld(Cluster cluster)
    {
        Cluster = cluster;
        cluster.Upstream.Default = call => _turns[QuestionOf(call)].Script;
    }

    public Cluster Cluster { get; }

    public IReadOnlyCollection<SoakTurn> Turns => [.. _turns.Values];

    public IReadOnlyCollection<string> Violations => _violations;

    public IReadOnlyCollection<(DateTimeOffset At, string Name)> Faults => _faults;

    /// <summary>Megabytes of the replica that is never ended, one value a second.</summary>
    public IReadOnlyCollection<double> Memory => _memory;

    public static string QuestionOf(ScriptedUpstreamCall call) =>
        call.Json.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;

    public SoakTurn NewTurn(ApiClient user, string sessionId, Random random)
    {
        var turn = new SoakTurn(user, sessionId, Interlocked.Increment(ref _numbers), random);
        return _turns[turn.Question] = turn;
    }

    /// <summary>How long after the beginning it was, for a reader who puts things together.</summary>
    public string Clock(DateTimeOffset at) =>
        at == DateTimeOffset.MaxValue ? "never" : string.Create(CultureInfo.InvariantCulture, $"+{(at - _started).TotalSeconds:F1} s");

    public void Violate(string what) => _violations.Enqueue(what);

    public void Violate(SoakTurn turn, string what) => Violate($"{turn.Question} ({turn.RunId}): {what}{string.Concat(LogOf(turn))}");

    public void NoteFault(string name) => _faults.Enqueue((DateTimeOffset.UtcNow, name));

    public void TakeOut(int replica)
    {
        lock (_out)
            _out.Add(replica);
    }

    public void PutBack(int replica)
    {
        lock (_out)
            _out.Remove(replica);
    }

    /// <summary>A replica that is not just being harmed, where there is one.</summary>
    public int AnyReplica(Random random)
    {
        lock (_out)
        {
            var there = Enumerable.Range(0, Cluster.Replicas.Count).Where(replica => !_out.Contains(replica)).ToList();
            return there.Count == 0 ? 0 : there[random.Next(there.Count)];
        }
    }

    public async Task WatchMemoryAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var status = $"/proc/{Cluster.Replicas[0].Id}/status";
            if (File.Exists(status) && (await File.ReadAllLinesAsync(status, CancellationToken.None))
                .FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)) is { } line)
                _memory.Enqueue(double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024);
            await Task.Delay(1000, CancellationToken.None);
        }
    }

    /// <summary>What replicas logged of a run, a line each, what was thrown among them.</summary>
    private IEnumerable<string> LogOf(SoakTurn turn)
    {
        foreach (var output in turn.RunId is null ? [] : Cluster.Outputs)
        {
            var isOfRun = false;
            foreach (var line in output.Split('\n'))
            {
                isOfRun = line.Contains(turn.RunId!, StringComparison.Ordinal) || isOfRun && line.StartsWith(' ');
                if (isOfRun)
                    yield return $"\n  {line}";
            }
        }
    }
}
