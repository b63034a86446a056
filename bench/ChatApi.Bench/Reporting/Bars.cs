using ChatApi.Bench.Load;
using ChatApi.Bench.Running;

namespace ChatApi.Bench.Reporting;

/// <summary>What must be reached (the bar), and what is aimed at.</summary>
/// <param name="Name">What is measured, and in which unit.</param>
/// <param name="Value">What it came to.</param>
/// <param name="Most">The bar.</param>
/// <param name="Aim">Null: the bar is all there is.</param>
internal sealed record Bar(string Name, double Value, double Most, double? Aim = null)
{
    public bool IsMissed => !(Value <= Most);

    public bool IsAimReached => Value <= (Aim ?? Most);
}

/// <summary>The bars of each workload. They hold on PostgreSQL, with everything on.</summary>
internal static class Bars
{
    private const double Ideal = 30;

    public static IReadOnlyList<Bar> Of(Workload workload, IReadOnlyList<Summary> summaries, BenchOptions options)
    {
        if (options.IsSmoke || options.Database != BenchDatabase.Postgres)
            return [];
        Summary Of(string name) => summaries.First(summary => summary.Name == name);
        var (chat, yarp, floor, direct) = (Of(Contestant.ChatApi), Of(Contestant.Yarp), Of(Contestant.Floor), Of(Contestant.Direct));
        var perPiece = chat.CpuPerPiece / yarp.CpuPerPiece;
        return workload.Name switch
        {
            "W1" => [new("CPU per piece, to YARP's", perPiece, 1.5, 1)],
            "W2" => [new("CPU per piece, to YARP's", perPiece, 2, 1.2)],
            "W3f" =>
            [
                new("CPU per piece, to YARP's", perPiece, 0.75, 0.5),
                new("added to the first piece, p50, ms", chat.FirstPieceMedian - direct.FirstPieceMedian, 4, 2),
                new("added to the first piece, p99, ms", chat.FirstPieceTail - direct.FirstPieceTail, 12, 8),
                new("allocated per piece, bytes", chat.AllocatedPerPiece, 1000, 500),
            ],
            "W3x" => [new("first piece over the ideal, p99, to YARP's", (chat.FirstPieceTail - Ideal) / (yarp.FirstPieceTail - Ideal), 4, 2)],
            "W4" =>
            [
                new("errors", chat.Errors, 0),
                new("memory per stream, KB", chat.KilobytesPerStream(workload.Users), 100, 60),
                new("last piece late, most, ms", chat.LastPieceLateMost, 2000),
            ],
            "W5" =>
            [
                new("CPU per turn, to the floor's", chat.CpuPerTurn / floor.CpuPerTurn, 2.5, 1.5),
                new("PostgreSQL's CPU per turn, to the floor's", chat.PostgresCpuPerTurn / floor.PostgresCpuPerTurn, 2, 1.4),
                // To a tenth: what the process asks for beside its turns, leases for instance, is among them.
                new("round trips to the database per turn", Math.Round(chat.CommandsPerTurn, 1), 4, 3),
            ],
            _ => [],
        };
    }
}
