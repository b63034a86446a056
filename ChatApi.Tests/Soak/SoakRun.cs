using ChatApi.Tests.Support;

namespace ChatApi.Tests.Soak;

/// <summary>Users chat while processes, databases and networks fail; then all histories are read and compared.</summary>
public static class SoakRun
{
    /// <summary>A dead process's runs are ended within 30 s.</summary>
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(32);

    public static async Task<SoakResult> RunAsync(SoakOptions options, Action<string> tell)
    {
        tell($"soak on {options.Storage}, {options.Duration.TotalSeconds:F0} s, a fault each {options.Pause.TotalSeconds:F0} s, {options.Users} users, seed {options.Seed}");
        await using var cluster = await Cluster.StartAsync(options.Storage, options.Replicas);
        var world = new SoakWorld(cluster);
        using var end = new CancellationTokenSource(options.Duration);
        var random = new Random(options.Seed);
        var memory = world.WatchMemoryAsync(end.Token);
        var faults = new SoakFaults(world, new Random(random.Next())).StrikeAsync(options.Pause, end.Token);
        await Task.WhenAll(Enumerable.Range(0, options.Users).Select(_ => new SoakUser(world, new Random(random.Next())).ChatAsync(end.Token)));
        await faults;
        await memory;
        await Task.Delay(QuietTime);
        var result = await new SoakChecker(world).CheckAsync();
        foreach (var line in result.Figures.Concat(result.Violations.Select(violation => $"VIOLATION {violation}")))
            tell(line);
        return result;
    }
}
