using System.Globalization;

namespace ChatApi.Bench.Load;

/// <summary>How many users ask how often, and what the model says to them.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="Users">Each has a connection and a session of its own.</param>
/// <param name="Turns">Of each user, one after the other.</param>
/// <param name="Pieces">Of a reply, at least.</param>
/// <param name="MostPieces">Of a reply, at most; replies differ where it is more than <paramref name="Pieces"/>.</param>
/// <param name="Pace">From one piece to the next; zero: all at once.</param>
/// <param name="Spread">The time over which the users start.</param>
internal sealed record Workload(string Name, int Users, int Turns, int Pieces, int MostPieces, TimeSpan Pace, TimeSpan Spread)
{
    private static readonly TimeSpan Human = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>What <c>all</c> runs, in its order.</summary>
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("W1", 1, 50, 200, 200, TimeSpan.Zero, TimeSpan.Zero),
        new("W2", 50, 10, 200, 200, TimeSpan.Zero, TimeSpan.Zero),
        new("W3f", 100, 3, 100, 100, Human, 3 * Second),
        new("W3x", 500, 1, 100, 100, Human, 3 * Second),
        new("W4", 5000, 1, 12, 15, Second, 6 * Second),
        new("W5", 50, 20, 1, 1, TimeSpan.Zero, TimeSpan.Zero),
    ];

    /// <summary>Small enough for every change: bursts, a pace, and replies of different lengths.</summary>
    public static IReadOnlyList<Workload> Smoke { get; } =
    [
        new("burst", 8, 3, 200, 200, TimeSpan.Zero, TimeSpan.Zero),
        new("pace", 40, 2, 20, 30, TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(200)),
        new("single", 8, 5, 1, 1, TimeSpan.Zero, TimeSpan.Zero),
    ];

    /// <summary>What servers are served in with before anything is measured.</summary>
    public static IReadOnlyList<Workload> WarmUps { get; } =
    [
        new("warm-up", 20, 20, 1, 200, TimeSpan.Zero, TimeSpan.Zero),
        new("warm-up at a pace", 100, 1, 50, 100, TimeSpan.FromMilliseconds(10), Second),
    ];

    /// <summary>Longer than it takes on any machine: what is not there then will not come.</summary>
    public TimeSpan Patience => Spread + (Turns * MostPieces * Pace) + TimeSpan.FromSeconds(90);

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}: {Users} users × {Turns} turns of {Pieces}{(MostPieces > Pieces ? $"–{MostPieces}" : "")} pieces");

    /// <summary>The length of one reply.</summary>
    public int PiecesOf(uint seed) => Pieces + (int)(seed % (uint)(MostPieces - Pieces + 1));
}
