using ChatApi.Bench.Load;
using ChatApi.Bench.Reporting;

namespace ChatApi.Bench.Running;

/// <summary>Measures all servers with all workloads that are wanted.</summary>
/// <param name="options">What is wanted.</param>
/// <param name="program">ChatApi's.</param>
internal sealed class BenchRun(BenchOptions options, string program)
{
    /// <summary>Returns whether everything was right, and, but for a smoke run, fast enough.</summary>
    public async Task<bool> RunAsync()
    {
        var isGood = true;
        // Servers and databases start anew for each group: no workload inherits the memory or the rows of another.
        foreach (var workloads in Groups())
        {
            await using var stage = await Stage.StartAsync(options, program);
            Contestant[] contestants =
                [stage.Direct(), await stage.StartYarpAsync(), await stage.StartFloorAsync(), .. await stage.StartAllChatApisAsync(options)];
            foreach (var workload in workloads)
                isGood &= await ReportAsync(workload, await Rounds.RunAsync(workload, contestants, stage, options));
        }

        return isGood;
    }

    private IEnumerable<IReadOnlyList<Workload>> Groups() =>
        options.IsSmoke ? [options.Workloads] : options.Workloads.Select(workload => new[] { workload });

    private async Task<bool> ReportAsync(Workload workload, IReadOnlyList<Summary> summaries)
    {
        var report = new Report(workload, summaries, Bars.Of(workload, summaries, options));
        report.Print(Console.Out);
        await report.SaveAsync();
        return report.IsGood;
    }
}
