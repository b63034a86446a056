using ChatApi.Bench.Costs;
using ChatApi.Bench.Load;

namespace ChatApi.Bench.Running;

/// <summary>One round of one server.</summary>
/// <param name="Load">What the users saw.</param>
/// <param name="CpuSeconds">Of the server's process alone.</param>
/// <param name="IdleKilobytes">Resident memory before.</param>
/// <param name="PeakKilobytes">The most resident memory.</param>
/// <param name="Runtime">What its runtime counted.</param>
/// <param name="Postgres">What its database cost.</param>
internal sealed record Measurement(
    LoadResult Load, double CpuSeconds, long IdleKilobytes, long PeakKilobytes, RuntimeCounts Runtime, PostgresCost Postgres)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <param name="workload">What the users do.</param>
    /// <param name="contestant">Whom they ask.</param>
    /// <param name="stage">Has its database.</param>
    /// <param name="countCommands">Whether round trips to PostgreSQL are counted, which costs a little.</param>
    public static async Task<Measurement> TakeAsync(Workload workload, Contestant contestant, Stage stage, bool countCommands)
    {
        await contestant.Target.PrepareAsync(workload.Users);
        // Whatever the one before has left is done by then, and so is this program's own tidying up.
        GC.Collect();
        await Task.Delay(Pause);

        var server = contestant.Server;
        var postgres = await ReadPostgresAsync(contestant, stage);
        var runtime = await server.Probe.ReadAsync(countCommands);
        ProcessCost.ResetPeak(server.Id);
        var idle = ProcessCost.ResidentKilobytes(server.Id);
        var cpu = ProcessCost.CpuSeconds(server.Id);

        var load = await new LoadGenerator(workload, contestant.Target).RunAsync();

        cpu = ProcessCost.CpuSeconds(server.Id) - cpu;
        var peak = ProcessCost.PeakKilobytes(server.Id);
        runtime = await server.Probe.ReadAsync(false) - runtime;
        return new(load, cpu, idle, peak, runtime, await ReadPostgresAsync(contestant, stage) - postgres);
    }

    private static async Task<PostgresCost> ReadPostgresAsync(Contestant contestant, Stage stage) =>
        contestant.Database is { } database ? await PostgresCost.ReadAsync(stage.Postgres, database) : default;
}
