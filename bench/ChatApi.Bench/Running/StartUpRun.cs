using System.Diagnostics;
using System.Globalization;
using System.Net;
using ChatApi.Bench.Costs;
using ChatApi.Bench.Reporting;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Running;

/// <summary>How long a start takes until the process is ready, and what it takes when nobody asks: as it comes, on a new SQLite file and on one that is there.</summary>
internal sealed class StartUpRun(BenchOptions options)
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);

    /// <summary>Returns whether no bar was missed.</summary>
    public async Task<bool> RunAsync()
    {
        var program = options.Program is { } published ? Publisher.In(published) : await Publisher.PublishAsync();
        var (first, again, memory) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < options.Rounds; round++)
        {
            using var directory = new TemporaryDirectory();
            await File.WriteAllTextAsync(directory.File(".env"), "");
            first.Add((await StartAsync(program, directory, TimeSpan.Zero)).Seconds);
            var (seconds, megabytes) = await StartAsync(program, directory, Rest);
            again.Add(seconds);
            memory.Add(megabytes);
        }

        var bars = new Bar[]
        {
            new("ready on a new file, s", Median(first), 1.5),
            new("ready on a file that is there, s", Median(again), 1.5),
            new("memory when idle, MB", Median(memory), 120),
        };
        Console.WriteLine($"\n## start: SQLite, medians of {options.Rounds}\n");
        Report.PrintBars(Console.Out, bars);
        return !bars.Any(bar => bar.IsMissed);
    }

    private static async Task<(double Seconds, double Megabytes)> StartAsync(string program, TemporaryDirectory directory, TimeSpan rest)
    {
        var port = ServerPrograms.FreePort();
        var watch = Stopwatch.StartNew();
        await using var child = ChildProcess.Start("dotnet", [program], directory, new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"),
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["DOTNET_NOLOGO"] = "1",
        });
        using var client = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")) };
        while (!await IsReadyAsync(client))
        {
            if (child.HasExited)
                throw new InvalidOperationException($"ChatApi ended:\n{child.Output}");
            await Task.Delay(Look);
        }

        var seconds = watch.Elapsed.TotalSeconds;
        await Task.Delay(rest);
        return (seconds, ProcessCost.ResidentKilobytes(child.Id) / 1024.0);
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

    private static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }
}
