using ChatApi.Application.Configuration;

namespace ChatApi.Web.Telemetry;

/// <summary>
/// What is told to others of how it goes; by default nothing to nobody. The other variables of OpenTelemetry (<c>OTEL_…</c>) are read by
/// its SDK.
/// </summary>
/// <param name="IsExported">Whether traces, metrics and logs go to a collector (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c>).</param>
/// <param name="MetricsPort">Where Prometheus collects metrics, 1 to 65535; null for nowhere (<c>METRICS_PORT</c>).</param>
internal sealed record TelemetryOptions(bool IsExported, int? MetricsPort)
{
    private const string Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";

    /// <exception cref="ConfigurationException">A value cannot be used; the SDK would go on without a word.</exception>
    public static TelemetryOptions Read(Settings settings)
    {
        if (settings.Text(Protocol) is not (null or "grpc" or "http/protobuf"))
            throw new ConfigurationException($"{Protocol} must be grpc or http/protobuf.");
        var port = settings.Integer("METRICS_PORT", 0, 1, 65535);
        return new(settings.HttpUri("OTEL_EXPORTER_OTLP_ENDPOINT") is not null, port == 0 ? null : port);
    }
}
