using System.Diagnostics.Metrics;
using ChatApi.Application.Telemetry;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ChatApi.Web.Telemetry;

/// <summary>Readiness as a metric, check by check, as it was seen last.</summary>
internal sealed class HealthGauge : IHealthCheckPublisher, IDisposable
{
    private readonly Meter _meter = new(ChatApiTelemetry.Name, ChatApiTelemetry.Version);
    private volatile Measurement<int>[] _last = [];

    public HealthGauge() =>
        _meter.CreateObservableGauge("chatapi.health", () => _last, "1", "Whether what readiness depends on is well: 1 or 0.");

    public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
    {
        _last = [.. report.Entries.Select(entry => new Measurement<int>(
            entry.Value.Status == HealthStatus.Healthy ? 1 : 0, new KeyValuePair<string, object?>("chatapi.health.check", entry.Key)))];
        return Task.CompletedTask;
    }

    public void Dispose() => _meter.Dispose();
}
