using System.Net.Sockets;
using ChatApi.Application.Configuration;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry.Metrics;

namespace ChatApi.Web.Telemetry;

/// <summary>
/// Where Prometheus collects metrics: a server of its own, so that a port that is open to the world has no metrics, and one that is open
/// to the monitoring nothing else. In Development only this machine can connect, as to the API.
/// </summary>
internal sealed class MetricsServer(TelemetryOptions options, IHostEnvironment environment, IServiceProvider services) : IHostedService
{
    private WebApplication? _app;

    /// <exception cref="ConfigurationException">The port cannot be had.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var port = options.MetricsPort!.Value;
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            if (environment.IsDevelopment())
                kestrel.ListenLocalhost(port);
            else
                kestrel.ListenAnyIP(port);
        });
        _app = builder.Build();
        _app.Use(static (context, next) =>
        {
            // Of whoever collects them, none are collected.
            context.Features.Get<IHttpMetricsTagsFeature>()?.MetricsDisabled = true;
            return next(context);
        });
        _app.UseOpenTelemetryPrometheusScrapingEndpoint(
            services.GetRequiredService<MeterProvider>(), null, TelemetrySetup.MetricsPath, null, null);
        try
        {
            await _app.StartAsync(cancellationToken);
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            throw new ConfigurationException("the port of METRICS_PORT is in use.");
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new ConfigurationException("the port of METRICS_PORT is not for this user.");
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is null)
            return;
        await _app.StopAsync(cancellationToken);
        await _app.DisposeAsync();
    }
}
