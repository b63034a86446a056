using System.Diagnostics;
using System.Runtime.CompilerServices;
using ChatApi.Application;
using ChatApi.Application.Configuration;
using ChatApi.Application.Telemetry;
using ChatApi.Web.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ChatApi.Web.Telemetry;

/// <summary>Traces, metrics and logs for others, where the settings ask for them. Without, nothing of OpenTelemetry is loaded.</summary>
internal static class TelemetrySetup
{
    /// <summary>Where Prometheus expects them.</summary>
    public const string MetricsPath = "/metrics";

    private static readonly TimeSpan HealthPeriod = TimeSpan.FromSeconds(10);

    /// <exception cref="ConfigurationException">A setting cannot be used.</exception>
    public static void ConfigureTelemetry(this WebApplicationBuilder builder, Settings settings)
    {
        var options = TelemetryOptions.Read(settings);
        if (options is { IsExported: false, MetricsPort: null })
            return;
        Add(builder.Services, options);
    }

    /// <summary>
    /// By what an error, the log and the exported trace are found: the trace's id where there is one, the request's own otherwise.
    /// </summary>
    public static string TraceId(this HttpContext context) => ExportedTraceId() ?? context.TraceIdentifier;

    /// <summary>Null where the request at hand is not exported as a trace.</summary>
    public static string? ExportedTraceId() =>
        ChatApiTelemetry.IsTracing && Activity.Current is { Recorded: true } activity ? activity.TraceId.ToHexString() : null;

    // Apart, or to compile the method above would load what it may not need.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Add(IServiceCollection services, TelemetryOptions options)
    {
        OpenTelemetryExport.Add(services, options);
        services.AddRunGauges();
        services.AddSingleton<IHealthCheckPublisher, HealthGauge>();
        services.Configure<HealthCheckPublisherOptions>(publisher => (publisher.Delay, publisher.Period) = (TimeSpan.Zero, HealthPeriod));
        if (options.MetricsPort is not null)
            services.AddHostedService(provider => ActivatorUtilities.CreateInstance<MetricsServer>(provider, options));
    }

    /// <summary>Whether a request is worth a trace: those of machines that only look are not.</summary>
    public static bool IsTraced(HttpContext context) => !context.IsProbe() && context.Request.Path != MetricsPath;
}
