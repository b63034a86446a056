using System.Globalization;
using ChatApi.Bench.Load;
using ChatApi.Bench.Reporting;

namespace ChatApi.Bench.Running;

/// <summary>What a turn costs in short and in long sessions: the same, or something reads what it does not need.</summary>
/// <param name="options">What is wanted.</param>
/// <param name="program">ChatApi's.</param>
internal sealed class LengthsRun(BenchOptions options, string program)
{
    // Nothing may grow with the length but the height of an index. The room is for the noise of the machine.
    private const double MostToShortest = 1.25;

    private static readonly int[] Lengths = [10, 1_000, 100_000];

    private static readonly Workload Turns = new("turns", 10, 50, 1, 1, TimeSpan.Zero, TimeSpan.Zero);

    private Workload Workload => options.IsSmoke ? Turns with { Users = 4, Turns = 3 } : Turns;

    /// <summary>Returns whether everything was right, and, but for a smoke run, the cost flat.</summary>
    public async Task<bool> RunAsync()
    {
        await using var stage = await Stage.StartAsync(options, program);
        var chat = await stage.StartChatApiAsync(Contestant.ChatApi, BenchDatabase.Postgres);
        // By another one: the contestants' sessions are to be filled once.
        if (!options.IsSmoke)
            await WarmUp.RunAsync(chat, stage);
        var contestants = Lengths.Select(length => chat with
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"{length:N0} messages"),
            Target = new HistoryTarget([chat.Servers[0].Address], stage.Postgres.AdministratorConnectionString(chat.Database!), length),
        }).ToList();

        var summaries = new List<Summary>();
        foreach (var contestant in contestants)
            summaries.Add(new(contestant.Name, await MeasureAsync(contestant, stage, countCommands: true)));
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var (contestant, summary) in contestants.Zip(summaries))
                summary.Add(await MeasureAsync(contestant, stage, countCommands: false));
        }

        return Print(summaries);
    }

    private async Task<Measurement> MeasureAsync(Contestant contestant, Stage stage, bool countCommands)
    {
        Rounds.Progress($"lengths: {contestant.Name}");
        var measurement = await Measurement.TakeAsync(Workload, contestant, stage, countCommands);
        try
        {
            await ((HistoryTarget)contestant.Target).CheckAsync(Workload.Turns);
            return measurement;
        }
        catch (WrongReplyException exception)
        {
            var load = measurement.Load;
            return measurement with { Load = load with { Errors = load.Errors + 1, FirstError = load.FirstError ?? exception.Message } };
        }
    }

    private bool Print(List<Summary> summaries)
    {
        string[] Row(string name, Func<Summary, double> value) => [name, .. summaries.Select(summary => Report.Number(value(summary)))];
        Report.PrintHead(Console.Out, $"lengths, {Workload}", summaries);
        Table.Write(Console.Out, ["", .. summaries.Select(summary => summary.Name)],
        [
            Row("CPU per turn, µs", summary => summary.CpuPerTurn),
            Row("PostgreSQL's CPU per turn, µs", summary => summary.PostgresCpuPerTurn),
            Row("round trips per turn", summary => summary.CommandsPerTurn),
            Row("statements per turn", summary => summary.StatementsPerTurn),
            Row("allocated per turn, bytes", summary => summary.AllocatedPerTurn),
            Row("whole turn, p50, ms", summary => summary.WholeMedian),
            Row("whole turn, p99, ms", summary => summary.WholeTail),
            Row("turns per second", summary => summary.TurnsPerSecond),
            Row("errors", summary => summary.Errors),
        ]);
        Report.PrintErrors(Console.Out, summaries);
        var bars = options.IsSmoke ? [] : Bars(summaries[0], summaries[^1]);
        if (bars.Length > 0)
        {
            Console.WriteLine();
            Report.PrintBars(Console.Out, bars);
        }

        return summaries.All(summary => summary.Errors == 0) && !bars.Any(bar => bar.IsMissed);
    }

    private static Bar[] Bars(Summary shortest, Summary longest) =>
    [
        new("longest to shortest: CPU per turn", longest.CpuPerTurn / shortest.CpuPerTurn, MostToShortest),
        new("· PostgreSQL's CPU per turn", longest.PostgresCpuPerTurn / shortest.PostgresCpuPerTurn, MostToShortest),
        new("· round trips per turn, rounded", Math.Round(longest.CommandsPerTurn, 1) / Math.Round(shortest.CommandsPerTurn, 1), 1.05),
    ];
}
