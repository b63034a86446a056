namespace ChatApi.Bench.Load;

/// <summary>What the users saw.</summary>
/// <param name="Seconds">From the first question to the last end.</param>
/// <param name="Turns">Right ones.</param>
/// <param name="Pieces">That the model said in them.</param>
/// <param name="FirstPiece">Milliseconds from the question to the first piece, sorted.</param>
/// <param name="LastPieceLate">Milliseconds that the last piece came after the time it was due by the model's pace, sorted.</param>
/// <param name="Whole">Milliseconds from the question to the end of the reply, sorted.</param>
/// <param name="Errors">How many turns failed or were wrong.</param>
/// <param name="FirstError">What the first of them said.</param>
internal sealed record LoadResult(
    double Seconds, int Turns, int Pieces, double[] FirstPiece, double[] LastPieceLate, double[] Whole, int Errors, string? FirstError)
{
    /// <summary>The value below which a share of the sorted ones lies; not a number where there are none.</summary>
    public static double Percentile(double[] sorted, double share) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
}
