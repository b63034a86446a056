using System.Globalization;
using ChatApi.Bench.Costs;
using ChatApi.Bench.Load;
using ChatApi.Bench.Reporting;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Running;

/// <summary>The same reply at the same pace, to ever more users at a time: what a piece and a stream cost, and how late pieces come.</summary>
/// <param name="options">What is wanted.</param>
/// <param name="program">ChatApi's.</param>
internal sealed class CurveRun(BenchOptions options, string program)
{
    /// <summary>With fewer the memory of a process says nothing about that of a stream.</summary>
    private const int FewestForMemory = 100;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(400);

    private IReadOnlyList<int> Levels => options.IsSmoke ? [1, 10, 60] : [1, 10, 50, 100, 300, 1_000, 2_000, 5_000];

    /// <summary>Returns whether everything was right.</summary>
    public async Task<bool> RunAsync()
    {
        await using var stage = await Stage.StartAsync(options, program);
        Contestant[] contestants = [await stage.StartYarpAsync(), .. await stage.StartAllChatApisAsync(options)];
        var curves = new List<Curve>();
        foreach (var contestant in contestants)
        {
            Rounds.Progress($"curve: {contestant.Name} is served in");
            if (!options.IsSmoke)
                await WarmUp.RunAsync(contestant, stage);
            curves.Add(await RestAsync(contestant));
        }

        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var streams in Levels)
            {
                foreach (var (contestant, curve) in contestants.Zip(curves))
                {
                    Rounds.Progress($"curve: round {round}, {streams} streams, {contestant.Name}");
                    curve.Add(streams, await Measurement.TakeAsync(WorkloadOf(streams), contestant, stage, countCommands: false));
                }
            }
        }

        Print(curves);
        await DrawAsync(curves);
        return curves.SelectMany(curve => curve.Points).All(point => point.Errors == 0);
    }

    private static async Task<Curve> RestAsync(Contestant contestant)
    {
        var server = contestant.Servers[0].Id;
        var cpu = ProcessCost.CpuSeconds(server);
        await Task.Delay(Rest);
        cpu = ProcessCost.CpuSeconds(server) - cpu;
        return new(contestant.Name, cpu * 1e3 / Rest.TotalSeconds, ProcessCost.ResidentKilobytes(server));
    }

    private Workload WorkloadOf(int streams)
    {
        var workload = new Workload("curve", streams, 1, 15, 15, Pace, TimeSpan.FromMilliseconds(Math.Min(streams, 5_000)));
        return options.IsSmoke ? workload with { Pace = TimeSpan.FromMilliseconds(20) } : workload;
    }

    private void Print(List<Curve> curves)
    {
        var yarp = curves[0];
        var pace = WorkloadOf(1).Pace.TotalMilliseconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n## curve: 15 pieces, one each {pace} ms, medians of {options.Rounds}"));
        PrintTable("CPU per piece, µs", curves, (curve, level) => curve.Points[level].CpuPerPiece);
        PrintTable("· to YARP's", curves[1..], (curve, level) => curve.Points[level].CpuPerPiece / yarp.Points[level].CpuPerPiece);
        PrintTable("memory per stream, KB", curves, KilobytesPerStream);
        PrintTable("last piece late, p50, ms", curves, (curve, level) => curve.Points[level].LastPieceLateMedian);
        PrintTable("last piece late, p99, ms", curves, (curve, level) => curve.Points[level].LastPieceLateTail);
        PrintTable("connections to PostgreSQL", curves[1..], (curve, level) => curve.Points[level].Connections);
        PrintTable("errors", curves, (curve, level) => curve.Points[level].Errors);
        Report.PrintErrors(Console.Out, curves.SelectMany(curve => curve.Points));
        Console.WriteLine();
        foreach (var curve in curves)
            Console.WriteLine($"{curve.Name}, when nobody asks: {Report.Number(curve.IdleCpu)} ms of CPU a second, {Report.Number(curve.IdleKilobytes / 1024.0)} MB.");
    }

    private void PrintTable(string what, List<Curve> curves, Func<Curve, int, double> value)
    {
        Console.WriteLine();
        Table.Write(
            Console.Out,
            [what, .. Levels.Select(streams => string.Create(CultureInfo.InvariantCulture, $"{streams:N0}"))],
            curves.Select<Curve, string[]>(curve => [curve.Name, .. Levels.Select((_, level) => Report.Number(value(curve, level)))]));
    }

    private double KilobytesPerStream(Curve curve, int level) =>
        Levels[level] < FewestForMemory ? double.NaN : (curve.Points[level].Rounds[0].PeakKilobytes - curve.IdleKilobytes) / Levels[level];

    private async Task DrawAsync(List<Curve> curves)
    {
        ChartSeries[] Of(Func<Curve, int, double> value) =>
        [
            .. curves.Select(curve => new ChartSeries(
                curve.Name, [.. Levels.Select((streams, level) => (X: (double)streams, Y: value(curve, level))).Where(point => !double.IsNaN(point.Y))])),
        ];
        var svg = Chart.Draw(
            "streams at a time",
            [
                new("CPU per piece", "µs", IsLogarithmic: true, Of((curve, level) => curve.Points[level].CpuPerPiece)),
                new("memory per stream", "KB", IsLogarithmic: false, Of(KilobytesPerStream)),
                new("last piece late, p99", "ms", IsLogarithmic: true, Of((curve, level) => curve.Points[level].LastPieceLateTail)),
            ]);
        var file = options.Svg ?? Path.Combine(Directory.CreateDirectory(Path.Combine(Artifacts.Directory, "bench")).FullName, "curve.svg");
        await File.WriteAllTextAsync(file, svg);
        Console.WriteLine($"\nDrawn: {file}");
    }

    /// <summary>One server: what it takes when idle, and a point for each number of streams, in their order.</summary>
    /// <param name="Name">The server.</param>
    /// <param name="IdleCpu">Milliseconds a second.</param>
    /// <param name="IdleKilobytes">Resident memory after it was served in.</param>
    private sealed record Curve(string Name, double IdleCpu, double IdleKilobytes)
    {
        private readonly List<int> _levels = [];

        public List<Summary> Points { get; } = [];

        public void Add(int streams, Measurement measurement)
        {
            if (!_levels.Contains(streams))
            {
                _levels.Add(streams);
                Points.Add(new($"{Name}, {streams} streams", measurement));
            }

            Points[_levels.IndexOf(streams)].Add(measurement);
        }
    }
}
