using System.Diagnostics;
using System.Globalization;
using System.Net;
using ChatApi.Bench.Costs;
using ChatApi.Bench.Reporting;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Running;

/// <summary>
/// How long a start takes until the process is ready, and what it takes when nobody asks: as it comes, on a new SQLite file and on
/// one that is there.
/// </summary>
/// <param name="options">What else is measured: other settings, other programs.</param>
/// <param name="program">ChatApi's.</param>
internal sealed class StartUpRun(BenchOptions options, string program)
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Returns whether no bar was missed by ChatApi as it comes.</summary>
    public async Task<bool> RunAsync()
    {
        List<Variant> variants =
        [
            new(Contestant.ChatApi, program, null),
            .. options.Variants.Select(settings => new Variant(settings, program, settings)),
            .. options.Baselines.Select(baseline => new Variant(Path.GetFileName(baseline), Publisher.In(baseline), null)),
        ];
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var variant in variants)
            {
                Rounds.Progress($"start: round {round}, {variant.Name}");
                await variant.MeasureAsync();
            }
        }

        var bars = Bars(variants[0]);
        Console.WriteLine($"\n## start: SQLite, medians of {options.Rounds}\n");
        Table.Write(Console.Out, ["", .. variants.Select(variant => variant.Name)],
        [
            Row(variants, "ready on a new file, s", variant => variant.First),
            Row(variants, "ready on a file that is there, s", variant => variant.Again),
            Row(variants, "CPU until ready on it, s", variant => variant.Cpu),
            Row(variants, "memory when idle, MB", variant => variant.Memory),
        ]);
        Console.WriteLine();
        Report.PrintBars(Console.Out, bars);
        return !bars.Any(bar => bar.IsMissed);
    }

    private static Bar[] Bars(Variant variant) =>
    [
        new("ready on a new file, s", Median(variant.First), 1.5),
        new("ready on a file that is there, s", Median(variant.Again), 1.5),
        new("memory when idle, MB", Median(variant.Memory), 120),
    ];

    private static string[] Row(List<Variant> variants, string name, Func<Variant, List<double>> values) =>
        [name, .. variants.Select(variant => Report.Number(Median(values(variant))))];

    private static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }

    /// <summary>A program with settings, and what came out of each of its rounds.</summary>
    private sealed record Variant(string Name, string Program, string? Settings)
    {
        public List<double> First { get; } = [];

        public List<double> Again { get; } = [];

        public List<double> Cpu { get; } = [];

        public List<double> Memory { get; } = [];

        public async Task MeasureAsync()
        {
            using var directory = new TemporaryDirectory();
            await File.WriteAllTextAsync(directory.File(".env"), "");
            var (first, _, _) = await StartAsync(directory, TimeSpan.Zero);
            var (again, cpu, megabytes) = await StartAsync(directory, Rest);
            First.Add(first);
            Again.Add(again);
            Cpu.Add(cpu);
            Memory.Add(megabytes);
        }

        private async Task<(double Seconds, double Cpu, double Megabytes)> StartAsync(TemporaryDirectory directory, TimeSpan rest)
        {
            var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerPrograms.FreePort()}");
            using var client = new HttpClient { BaseAddress = new Uri(address) };
            var watch = Stopwatch.StartNew();
            await using var child = ChildProcess.Start("dotnet", [Program], directory, Environment(address));
            while (!await IsReadyAsync(client))
            {
                if (child.HasExited || watch.Elapsed > Patience)
                    throw new InvalidOperationException($"{Name} did not become ready. It printed:\n{child.Output}");
                await Task.Delay(Look);
            }

            var (seconds, cpu) = (watch.Elapsed.TotalSeconds, ProcessCost.CpuSeconds(child.Id));
            await Task.Delay(rest);
            return (seconds, cpu, ProcessCost.ResidentKilobytes(child.Id) / 1024.0);
        }

        private Dictionary<string, string?> Environment(string address)
        {
            var environment = new Dictionary<string, string?>
            {
                ["ASPNETCORE_ENVIRONMENT"] = "Production",
                ["ASPNETCORE_URLS"] = address,
                ["JWT_SECRET_KEY"] = TestTokens.Key,
                ["DOTNET_NOLOGO"] = "1",
            };
            foreach (var setting in Settings?.Split(' ') ?? [])
                environment[setting.Split('=')[0]] = setting[(setting.IndexOf('=', StringComparison.Ordinal) + 1)..];
            return environment;
        }

        private static async Task<bool> IsReadyAsync(HttpClient client)
        {
            try
            {
                using var answer = await client.GetAsync("/health/ready");
                return answer.StatusCode == HttpStatusCode.OK;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }
    }
}
