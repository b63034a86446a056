using ChatApi.Application.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Instrumentation.AspNetCore;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ChatApi.Web.Telemetry;

/// <summary>What OpenTelemetry's SDK listens to, and where it sends it. The runtime, the server, HTTP clients and Npgsql speak for themselves.</summary>
internal static class OpenTelemetryExport
{
    private static readonly string[] Sources = [ChatApiTelemetry.Name, "System.Net.Http", "Npgsql"];

    private static readonly string[] Meters =
    [
        ChatApiTelemetry.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Npgsql",
    ];

    public static void Add(IServiceCollection services, TelemetryOptions options)
    {
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService("chatapi", serviceVersion: ChatApiTelemetry.Version)

                // Once more, after the default: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
                .AddEnvironmentVariableDetector())
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Meters);
                if (options.MetricsPort is not null)
                    metrics.AddPrometheusExporter();
            });
        if (!options.IsExported)
            return;
        telemetry
            .WithTracing(tracing => tracing.AddSource(Sources).AddAspNetCoreInstrumentation(Trace))
            .WithLogging(null, log => log.IncludeFormattedMessage = true)
            .UseOtlpExporter();
    }

    private static void Trace(AspNetCoreTraceInstrumentationOptions options)
    {
        options.Filter = TelemetrySetup.IsTraced;

        // What people write into paths and queries is theirs: as in the log, the route has to do.
        options.EnrichWithHttpRequest = static (activity, _) => activity.SetTag("url.path", null).SetTag("url.query", null);
        options.EnrichWithHttpResponse = static (activity, response) =>
            activity.SetTag("http.response.header.x-request-id", new[] { response.HttpContext.TraceIdentifier });
    }
}
