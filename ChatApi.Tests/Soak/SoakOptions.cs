using ChatApi.Tests.Support;

namespace ChatApi.Tests.Soak;

/// <summary>How long and how hard.</summary>
/// <param name="Storage">What the replicas share.</param>
/// <param name="Duration">How long users chat.</param>
/// <param name="Pause">From one fault to the next.</param>
/// <param name="Users">How many chat at the same time.</param>
/// <param name="Seed">The same seed makes the same faults at the same times.</param>
public sealed record SoakOptions(Storage Storage, TimeSpan Duration, TimeSpan Pause, int Users, int Seed)
{
    /// <summary>SQLite is one process's.</summary>
    public int Replicas => Storage == Storage.Sqlite ? 1 : 3;
}

/// <summary>What came of it.</summary>
/// <param name="Violations">What must not happen, and did.</param>
/// <param name="Figures">A line each.</param>
public sealed record SoakResult(IReadOnlyList<string> Violations, IReadOnlyList<string> Figures);
