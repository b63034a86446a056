using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using ChatApi.Bench.Load;
using ChatApi.Bench.Running;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Reporting;

/// <summary>What came out of one workload.</summary>
internal sealed class Report(Workload workload, IReadOnlyList<Summary> summaries, IReadOnlyList<Bar> bars)
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        // What was not there to be measured is not a number.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>No byte was wrong, and no bar was missed.</summary>
    public bool IsGood => summaries.All(summary => summary.Errors == 0) && !bars.Any(bar => bar.IsMissed);

    public void Print(TextWriter output)
    {
        PrintHead(output, workload.ToString(), summaries);
        Table.Write(output, ["", .. summaries.Select(summary => summary.Name)], Rows());
        PrintErrors(output, summaries);
        if (bars.Count == 0)
            return;
        output.WriteLine();
        PrintBars(output, bars);
    }

    /// <summary>What was measured.</summary>
    public static void PrintHead(TextWriter output, string what, IReadOnlyList<Summary> summaries) =>
        output.WriteLine(Text($"\n## {what}, medians of {summaries[0].Rounds.Count}\n"));

    /// <summary>What went wrong first, of each.</summary>
    public static void PrintErrors(TextWriter output, IEnumerable<Summary> summaries)
    {
        foreach (var summary in summaries.Where(summary => summary.FirstError is not null))
            output.WriteLine(Text($"\n{summary.Name}: {summary.Errors} errors, the first: {summary.FirstError}"));
    }

    /// <summary>What must be reached, and what was.</summary>
    public static void PrintBars(TextWriter output, IEnumerable<Bar> bars) =>
        Table.Write(output, ["", "value", "bar", "aim", ""], bars.Select(bar => new[]
        {
            bar.Name, Number(bar.Value), Number(bar.Most), bar.Aim is { } aim ? Number(aim) : "",
            bar.IsMissed ? "MISSED" : bar.IsAimReached ? "ok, aim reached" : "ok",
        }));

    /// <summary>The raw results, with every round.</summary>
    public Task SaveAsync()
    {
        var directory = Directory.CreateDirectory(Path.Combine(Artifacts.Directory, "bench")).FullName;
        var name = string.Create(CultureInfo.InvariantCulture, $"{workload.Name}-{DateTime.UtcNow:yyyyMMdd-HHmmss}.json");
        var all = new { workload, bars, servers = summaries.Select(summary => new { summary.Name, summary.Counting, summary.Rounds }) };
        return File.WriteAllTextAsync(Path.Combine(directory, name), JsonSerializer.Serialize(all, Indented));
    }

    private IEnumerable<string[]> Rows()
    {
        yield return Row("CPU per piece, µs", summary => summary.CpuPerPiece);
        yield return Ratio("· to YARP's", summary => summary.CpuPerPiece, Contestant.Yarp);
        yield return Ratio("· to the floor's", summary => summary.CpuPerPiece, Contestant.Floor);
        yield return Row("CPU per turn, µs", summary => summary.CpuPerTurn);
        yield return Row("first piece, p50, ms", summary => summary.FirstPieceMedian);
        yield return Row("first piece, p99, ms", summary => summary.FirstPieceTail);
        yield return Row("last piece late, p50, ms", summary => summary.LastPieceLateMedian);
        yield return Row("last piece late, most, ms", summary => summary.LastPieceLateMost);
        yield return Row("turns per second", summary => summary.TurnsPerSecond);
        yield return Row("peak memory, MB", summary => summary.PeakMegabytes);
        yield return Row("memory per stream, KB", summary => summary.KilobytesPerStream(workload.Users));
        yield return Row("allocated per piece, bytes", summary => summary.AllocatedPerPiece);
        yield return Row("allocated per turn, bytes", summary => summary.AllocatedPerTurn);
        yield return Row("collections, gen 0", summary => summary.Collections(0));
        yield return Row("collections, gen 2", summary => summary.Collections(2));
        yield return Row("methods compiled", summary => summary.MethodsCompiled);
        yield return Row("PostgreSQL's CPU per turn, µs", summary => summary.PostgresCpuPerTurn);
        yield return Ratio("· to the floor's", summary => summary.PostgresCpuPerTurn, Contestant.Floor);
        yield return Row("round trips per turn", summary => summary.CommandsPerTurn);
        yield return Row("statements per turn", summary => summary.StatementsPerTurn);
        yield return Row("connections to PostgreSQL", summary => summary.Connections);
        yield return Row("journal entries per second", summary => summary.JournalEntriesPerSecond);
        yield return Row("Redis's CPU per turn, µs", summary => summary.RedisCpuPerTurn);
        yield return Row("Redis's memory per stream, bytes", summary => summary.RedisBytesPerStream);
        yield return Row("errors", summary => summary.Errors);
    }

    private string[] Row(string name, Func<Summary, double> value) => [name, .. summaries.Select(summary => Number(value(summary)))];

    private string[] Ratio(string name, Func<Summary, double> value, string yardstick) =>
        Row(name, summary => value(summary) / value(summaries.First(other => other.Name == yardstick)));

    public static string Number(double value) => Math.Abs(value) switch
    {
        double.NaN => "–",
        >= 100 => Text($"{value:N0}"),
        >= 10 => Text($"{value:F1}"),
        _ => Text($"{value:F2}"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
