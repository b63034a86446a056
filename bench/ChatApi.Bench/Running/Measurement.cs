using ChatApi.Bench.Costs;
using ChatApi.Bench.Load;

namespace ChatApi.Bench.Running;

/// <summary>One round of one server.</summary>
/// <param name="Load">What the users saw.</param>
/// <param name="Cpu">Of each of the server's processes, in seconds.</param>
/// <param name="IdleKilobytes">Resident memory before.</param>
/// <param name="PeakKilobytes">The most resident memory.</param>
/// <param name="Runtime">What its runtime counted.</param>
/// <param name="Postgres">What its database cost.</param>
/// <param name="Redis">What its Redis cost.</param>
/// <param name="RedisBytesPerStream">What a running reply took in Redis; not a number where there was none.</param>
internal sealed record Measurement(
    LoadResult Load,
    IReadOnlyList<double> Cpu,
    long IdleKilobytes,
    long PeakKilobytes,
    RuntimeCounts Runtime,
    PostgresCost Postgres,
    RedisCost Redis,
    double RedisBytesPerStream)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Of all processes of the server, in seconds.</summary>
    public double CpuSeconds => Cpu.Sum();

    /// <param name="workload">What the users do.</param>
    /// <param name="contestant">Whom they ask.</param>
    /// <param name="stage">Has its database.</param>
    /// <param name="countCommands">Whether round trips to PostgreSQL are counted, which costs a little.</param>
    public static async Task<Measurement> TakeAsync(Workload workload, Contestant contestant, Stage stage, bool countCommands)
    {
        await contestant.Target.PrepareAsync(workload.Users);
        await stage.UntilUpstreamHasRoomAsync();
        // Whatever the one before has left is done by then, and so is this program's own tidying up.
        GC.Collect();
        await Task.Delay(Pause);

        var servers = contestant.Servers;
        var watch = contestant.Redis is null ? null : await RedisWatch.StartAsync(contestant.Redis);
        var (postgres, redis) = await ReadAsync(contestant, stage);
        var runtime = await ReadRuntimeAsync(servers, countCommands);
        foreach (var server in servers)
            ProcessCost.ResetPeak(server.Id);
        var idle = servers.Sum(server => ProcessCost.ResidentKilobytes(server.Id));
        var before = servers.Select(server => ProcessCost.CpuSeconds(server.Id)).ToList();

        var load = await new LoadGenerator(workload, contestant.Target).RunAsync();

        var cpu = servers.Zip(before, (server, seconds) => ProcessCost.CpuSeconds(server.Id) - seconds).ToList();
        var peak = servers.Sum(server => ProcessCost.PeakKilobytes(server.Id));
        runtime = await ReadRuntimeAsync(servers, false) - runtime;
        var (postgresAfter, redisAfter) = await ReadAsync(contestant, stage);
        if (watch is not null)
            await watch.DisposeAsync();
        return new(
            load, cpu, idle, peak, runtime, postgresAfter - postgres, redisAfter - redis, watch is { Streams: > 0 } ? watch.BytesPerStream : double.NaN);
    }

    private static async Task<RuntimeCounts> ReadRuntimeAsync(IEnumerable<ServerProcess> servers, bool countCommands)
    {
        var counts = default(RuntimeCounts);
        foreach (var server in servers)
            counts += await server.Probe.ReadAsync(countCommands);
        return counts;
    }

    private static async Task<(PostgresCost Postgres, RedisCost Redis)> ReadAsync(Contestant contestant, Stage stage) => (
        contestant.Database is { } database ? await PostgresCost.ReadAsync(stage.Postgres, database) : default,
        contestant.Redis is { } redis ? await RedisCost.ReadAsync(redis) : default);
}
