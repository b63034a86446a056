using ChatApi.Application;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace ChatApi.Web.Hosting;

/// <summary>The web server itself: where it listens, what it takes, how long it may take to stop.</summary>
internal static class ServerSetup
{
    private const int DefaultPort = 5000;
    private const long LargestBody = 1024 * 1024;

    /// <summary>Runs get 25 s to finish and a moment to be stored; orchestrators kill after 30 s.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(29);

    /// <summary>The runtime's own switch, and Kestrel's: read once, before the first socket is made.</summary>
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>
    /// What comes from a socket is handled on the thread that polled it, unless the environment says 0. A reply comes a word at a
    /// time, and to wake a thread of the pool for each costs more than all the rest (docs/performance.md). The price: what blocks
    /// there, or takes long, holds up every other stream, and so leaves it by <see cref="PollingThread"/>.
    /// </summary>
    public static void KeepSocketsOnPollingThreads()
    {
        if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
            Environment.SetEnvironmentVariable(InlineCompletions, "1");
    }

    public static void ConfigureServer(this WebApplicationBuilder builder, Settings settings)
    {
        var port = settings.Integer("PORT", DefaultPort, 1, 65535);
        if (settings.Text(WebHostDefaults.ServerUrlsKey) is null)
            builder.WebHost.UseUrls(builder.Environment.IsDevelopment() ? $"http://localhost:{port}" : $"http://*:{port}");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        });
        // The other half of inline completions; neither does anything alone.
        if (Environment.GetEnvironmentVariable(InlineCompletions) == "1")
            builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
    }

    /// <summary>Says in five lines at most what was chosen and where to look. Nothing secret is in them.</summary>
    public static void AnnounceStart(this WebApplication app) => app.Lifetime.ApplicationStarted.Register(() =>
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        var address = addresses.First().Replace("[::]", "localhost", StringComparison.Ordinal);
        Console.WriteLine($"ChatApi is listening on {address}");
        foreach (var line in app.Services.DescribeInfrastructure())
            Console.WriteLine($"  {line}");
        Console.WriteLine($"  demo page: {address}/   Swagger UI: {address}/swagger");
    });
}
