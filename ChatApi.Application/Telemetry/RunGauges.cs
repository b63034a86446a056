using System.Diagnostics.Metrics;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.Extensions.Hosting;

namespace ChatApi.Application.Telemetry;

/// <summary>What is so at the moment, looked up when somebody collects it. Registered only where telemetry is asked for.</summary>
internal sealed class RunGauges(RunExecutor executor, RunJournalWriter journal, RunMirrors mirrors) : IHostedService
{
    private const string Phase = "chatapi.run.phase";

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var meter = ChatApiTelemetry.Meter;
        meter.CreateObservableGauge("chatapi.runs.active", ActiveRuns, "{run}", "Runs of this process, by what they are at.");
        meter.CreateObservableGauge("chatapi.runs.mirrored", () => mirrors.Count, "{run}", "Runs of other processes that are watched here.");
        meter.CreateObservableGauge("chatapi.viewers", () => RunLog.Viewers, "{viewer}", "Streams that follow a run.");
        meter.CreateObservableGauge("chatapi.journal.lag", () => journal.Lag.TotalSeconds, "s", "For how long something that was said has not been journalled.");
        meter.CreateObservableGauge("chatapi.journal.backlog", () => journal.Backlog, "{piece}", "Pieces that are to be journalled.");
        RunTelemetry.BeginAtZero();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private IEnumerable<Measurement<int>> ActiveRuns()
    {
        var active = executor.Active;
        var saving = active.Count(run => run.Run.Status != RunStatus.Running);
        yield return new(executor.Announced, new KeyValuePair<string, object?>(Phase, "starting"));
        yield return new(active.Count - saving, new KeyValuePair<string, object?>(Phase, "replying"));
        yield return new(saving, new KeyValuePair<string, object?>(Phase, "saving"));
    }
}
