using ChatApi.Bench.Load;
using ChatApi.Bench.Reporting;

namespace ChatApi.Bench.Running;

/// <summary>Measures all servers with all workloads that are wanted, each in turn: A B C A B C.</summary>
internal sealed class BenchRun(BenchOptions options)
{
    private const int MostWarmUps = 15;

    /// <summary>So few methods compiled in a warm-up, and the compiler has done what there was to do.</summary>
    private const int FewMethods = 50;

    /// <summary>Returns whether everything was right, and, but for a smoke run, fast enough.</summary>
    public async Task<bool> RunAsync()
    {
        var program = options.Program is { } published ? Publisher.In(published)
            : options.IsSmoke ? Publisher.In(AppContext.BaseDirectory)
            : await Publisher.PublishAsync();
        var isGood = true;
        // Servers and databases start anew for each group: no workload inherits the memory or the rows of another.
        foreach (var workloads in Groups())
        {
            await using var stage = await Stage.StartAsync(options, program);
            foreach (var workload in workloads)
                isGood &= await ReportAsync(workload, await RunAsync(workload, stage));
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

    private async Task<IReadOnlyList<Summary>> RunAsync(Workload workload, Stage stage)
    {
        var summaries = new List<Summary>();
        foreach (var contestant in stage.Contestants)
        {
            Progress($"{workload.Name}: {contestant.Name} is served in");
            summaries.Add(new(contestant.Name, await WarmUpAsync(workload, contestant, stage)));
        }

        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var (contestant, summary) in stage.Contestants.Zip(summaries))
            {
                Progress($"{workload.Name}: round {round}, {contestant.Name}");
                summary.Add(await Measurement.TakeAsync(workload, contestant, stage, countCommands: false));
            }
        }

        return summaries;
    }

    /// <summary>Serves a server in, and counts what would disturb the measuring.</summary>
    private async Task<Measurement> WarmUpAsync(Workload workload, Contestant contestant, Stage stage)
    {
        if (!options.IsSmoke)
            await ServeInAsync(contestant, stage);
        // A few users of the workload are enough for counting, and for what only a pace brings about.
        var few = workload with { Users = Math.Min(workload.Users, 50), Turns = Math.Min(workload.Turns, 10), Spread = TimeSpan.Zero };
        return await Measurement.TakeAsync(few, contestant, stage, countCommands: true);
    }

    /// <summary>The first seconds of a process are the compiler's, and half of its costs: goes on until that is over.</summary>
    private static async Task ServeInAsync(Contestant contestant, Stage stage)
    {
        var methods = long.MaxValue;
        for (var i = 0; i < MostWarmUps && methods > FewMethods; i++)
        {
            methods = 0;
            foreach (var workload in Workload.WarmUps)
                methods += (await Measurement.TakeAsync(workload, contestant, stage, countCommands: false)).Runtime.Methods;
        }
    }

    private static void Progress(string what) => Console.Error.WriteLine(what);
}
