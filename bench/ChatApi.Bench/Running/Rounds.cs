using ChatApi.Bench.Load;
using ChatApi.Bench.Reporting;

namespace ChatApi.Bench.Running;

/// <summary>Measures servers with one workload, each in turn: A B C A B C.</summary>
internal static class Rounds
{
    /// <param name="workload">What the users do.</param>
    /// <param name="contestants">The servers.</param>
    /// <param name="stage">They are on it.</param>
    /// <param name="options">How many rounds.</param>
    /// <param name="areServedIn">Whether the servers have been served in before.</param>
    public static async Task<IReadOnlyList<Summary>> RunAsync(
        Workload workload, IReadOnlyList<Contestant> contestants, Stage stage, BenchOptions options, bool areServedIn = false)
    {
        var summaries = new List<Summary>();
        foreach (var contestant in contestants)
        {
            Progress($"{workload.Name}: {contestant.Name} is served in");
            Measurement? servingIn = null;
            if (!options.IsSmoke && !areServedIn)
            {
                await WarmUp.RunAsync(contestant, stage);

                // A round that does not count: what only this workload calls is compiled by then, too.
                servingIn = await Measurement.TakeAsync(workload, contestant, stage, countCommands: false);
            }

            summaries.Add(new(contestant.Name, await CountAsync(workload, contestant, stage), servingIn));
        }

        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var (contestant, summary) in contestants.Zip(summaries))
            {
                Progress($"{workload.Name}: round {round}, {contestant.Name}");
                summary.Add(await Measurement.TakeAsync(workload, contestant, stage, countCommands: false));
            }
        }

        return summaries;
    }

    /// <summary>Says what is being done, beside the results.</summary>
    public static void Progress(string what) => Console.Error.WriteLine(what);

    /// <summary>Counts what would disturb the measuring. A few users are enough for that, and for what only a pace brings about.</summary>
    private static Task<Measurement> CountAsync(Workload workload, Contestant contestant, Stage stage)
    {
        var few = workload with { Users = Math.Min(workload.Users, 50), Turns = Math.Min(workload.Turns, 10), Spread = TimeSpan.Zero };
        return Measurement.TakeAsync(few, contestant, stage, countCommands: true);
    }
}
