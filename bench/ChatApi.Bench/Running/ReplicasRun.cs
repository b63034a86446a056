using ChatApi.Bench.Load;
using ChatApi.Bench.Reporting;

namespace ChatApi.Bench.Running;

/// <summary>
/// One, two and three processes on one database: each user's turns go to one after the other. On a machine whose cores one process
/// fills, throughput cannot grow: what tells is whether a turn costs more when there are more of them.
/// </summary>
/// <param name="options">What is wanted.</param>
/// <param name="program">ChatApi's.</param>
internal sealed class ReplicasRun(BenchOptions options, string program)
{
    private const int Most = 3;

    private IReadOnlyList<Workload> Workloads => options.IsSmoke
        ? [.. Workload.Smoke.Where(workload => workload.Name == "single")]
        : [.. Workload.All.Where(workload => workload.Name is "W2" or "W5").Reverse()];

    /// <summary>Returns whether everything was right.</summary>
    public async Task<bool> RunAsync()
    {
        await using var stage = await Stage.StartAsync(options, program);
        List<Contestant> groups = [await stage.StartChatApiAsync("", BenchDatabase.Postgres, processes: Most)];
        if (options.HasRedis)
            groups.Add(await stage.StartChatApiAsync(" + Redis", BenchDatabase.Postgres, hasRedis: true, processes: Most));
        foreach (var group in groups.Where(_ => !options.IsSmoke))
            await WarmUp.RunAsync(group, stage);
        var contestants = groups.SelectMany(Counts).ToList();
        var errors = 0;
        foreach (var workload in Workloads)
        {
            var summaries = await Rounds.RunAsync(workload, contestants, stage, options, areServedIn: true);
            Print(workload, summaries);
            errors += summaries.Sum(summary => summary.Errors);
        }

        return errors == 0;
    }

    /// <summary>Of the same processes the first, the first two, and all: who is not asked costs next to nothing.</summary>
    private static Contestant[] Counts(Contestant all) =>
    [
        .. Enumerable.Range(1, Most).Select(count => all with
        {
            Name = $"{count}{all.Name}",
            Servers = [.. all.Servers.Take(count)],
            Target = new ChatTarget([.. all.Servers.Take(count).Select(server => server.Address)]),
        }),
    ];

    private static void Print(Workload workload, IReadOnlyList<Summary> summaries)
    {
        string[] Row(string name, Func<Summary, double> value) => [name, .. summaries.Select(summary => Report.Number(value(summary)))];
        Report.PrintHead(Console.Out, $"replicas, {workload}", summaries);
        Table.Write(Console.Out, ["processes", .. summaries.Select(summary => summary.Name)],
        [
            Row("turns per second", summary => summary.TurnsPerSecond),
            Row("CPU per turn, all processes, µs", summary => summary.CpuPerTurn),
            Row("· to one process's", summary => summary.CpuPerTurn / summaries[0].CpuPerTurn),
            Row("least busy process's share of it, %", summary => summary.LeastShare),
            Row("PostgreSQL's CPU per turn, µs", summary => summary.PostgresCpuPerTurn),
            Row("· to one process's", summary => summary.PostgresCpuPerTurn / summaries[0].PostgresCpuPerTurn),
            Row("round trips per turn", summary => summary.CommandsPerTurn),
            Row("Redis's CPU per turn, µs", summary => summary.RedisCpuPerTurn),
            Row("connections to PostgreSQL", summary => summary.Connections),
            Row("peak memory, all processes, MB", summary => summary.PeakMegabytes),
            Row("whole turn, p50, ms", summary => summary.WholeMedian),
            Row("whole turn, p99, ms", summary => summary.WholeTail),
            Row("errors", summary => summary.Errors),
        ]);
        Report.PrintErrors(Console.Out, summaries);
    }
}
