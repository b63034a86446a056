using ChatApi.Bench.Load;
using ChatApi.Bench.Running;

namespace ChatApi.Bench.Reporting;

/// <summary>All rounds of one server, as medians.</summary>
/// <param name="name">The server's.</param>
/// <param name="counting">The round in which round trips were counted.</param>
/// <param name="servingIn">The round before, which does not count; null if there was none.</param>
internal sealed class Summary(string name, Measurement counting, Measurement? servingIn = null)
{
    private readonly List<Measurement> _rounds = [];

    public string Name { get; } = name;

    public IReadOnlyList<Measurement> Rounds => _rounds;

    /// <summary>The round in which round trips were counted.</summary>
    public Measurement Counting { get; } = counting;

    public double CpuPerPiece => Median(round => round.CpuSeconds * 1e6 / round.Load.Pieces);

    public double CpuPerTurn => Median(round => round.CpuSeconds * 1e6 / round.Load.Turns);

    public double FirstPieceMedian => Median(round => LoadResult.Percentile(round.Load.FirstPiece, 0.5));

    public double FirstPieceTail => Median(round => LoadResult.Percentile(round.Load.FirstPiece, 0.99));

    public double LastPieceLateMedian => Median(round => LoadResult.Percentile(round.Load.LastPieceLate, 0.5));

    public double LastPieceLateMost => Median(round => LoadResult.Percentile(round.Load.LastPieceLate, 1));

    public double LastPieceLateTail => Median(round => LoadResult.Percentile(round.Load.LastPieceLate, 0.99));

    public double WholeMedian => Median(round => LoadResult.Percentile(round.Load.Whole, 0.5));

    public double WholeTail => Median(round => LoadResult.Percentile(round.Load.Whole, 0.99));

    public double TurnsPerSecond => Median(round => round.Load.Turns / round.Load.Seconds);

    public double PeakMegabytes => Median(round => round.PeakKilobytes / 1024.0);

    public double AllocatedPerPiece => Median(round => (double)round.Runtime.AllocatedBytes / round.Load.Pieces);

    public double AllocatedPerTurn => Median(round => (double)round.Runtime.AllocatedBytes / round.Load.Turns);

    public double Collections(int generation) =>
        Median(round => generation == 0 ? round.Runtime.Gen0 : generation == 1 ? round.Runtime.Gen1 : round.Runtime.Gen2);

    public double MethodsCompiled => Median(round => round.Runtime.Methods);

    public double PostgresCpuPerTurn => Median(round => round.Postgres.CpuSeconds * 1e6 / round.Load.Turns);

    public double StatementsPerTurn => Median(round => (double)round.Postgres.Statements / round.Load.Turns);

    public double Connections => Median(round => round.Postgres.Connections);

    /// <summary>Written to PostgreSQL or to Redis: an entry is what a run has said since the last.</summary>
    public double JournalEntriesPerSecond => Median(round => (round.Postgres.Entries + round.Redis.Entries) / round.Load.Seconds);

    public double RedisCpuPerTurn => Median(round => round.Redis.CpuSeconds * 1e6 / round.Load.Turns);

    public double RedisBytesPerStream => Median(round => round.RedisBytesPerStream);

    /// <summary>The share of the CPU that was the least busy process's, in percent.</summary>
    public double LeastShare => Median(round => round.Cpu.Min() * 100 / round.CpuSeconds);

    public double CommandsPerTurn => (double)Counting.Runtime.Commands / Counting.Load.Turns;

    public int Errors => _rounds.Append(Counting).Sum(round => round.Load.Errors);

    public string? FirstError => _rounds.Append(Counting).Select(round => round.Load.FirstError).FirstOrDefault(error => error is not null);

    /// <summary>What each of so many streams takes at most. The first round's, though it does not count otherwise: later ones reuse what it took.</summary>
    public double KilobytesPerStream(int streams)
    {
        var first = servingIn ?? _rounds[0];
        return (double)(first.PeakKilobytes - first.IdleKilobytes) / streams;
    }

    public void Add(Measurement round) => _rounds.Add(round);

    private double Median(Func<Measurement, double> value)
    {
        var sorted = _rounds.Select(value).Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
