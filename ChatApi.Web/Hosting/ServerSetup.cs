using ChatApi.Application;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ChatApi.Web.Hosting;

/// <summary>The web server itself: where it listens, what it takes, how long it may take to stop.</summary>
internal static partial class ServerSetup
{
    private const int DefaultPort = 5000;

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
        if (settings.Text(WebHostDefaults.ServerUrlsKey) is { } urls)
            CheckUrls(urls, hasCertificate: builder.Environment.IsDevelopment() || builder.Configuration.GetSection("Kestrel:Certificates:Default").Exists());
        else
            builder.WebHost.UseUrls(builder.Environment.IsDevelopment() ? $"http://localhost:{port}" : $"http://*:{port}");
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // Which server it is, and so which holes to try, is nobody's business.
            kestrel.AddServerHeader = false;
            SetLimits(kestrel.Limits);
        });
        // The other half of inline completions; neither does anything alone.
        if (Environment.GetEnvironmentVariable(InlineCompletions) == "1")
            builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
    }

    /// <summary>
    /// How much a stranger may make us keep, and for how long. There is no limit to the number of connections: each may be a reply that
    /// is waited for, and a proxy or the number of open files bounds them better.
    /// </summary>
    private static void SetLimits(KestrelServerLimits limits)
    {
        // The longest message, 32 000 characters, is 192 KB where each is written as \u escapes.
        limits.MaxRequestBodySize = 1024 * 1024;

        // A token of Supabase's with much metadata has some KB; cursors and keys have few.
        limits.MaxRequestHeadersTotalSize = 32 * 1024;
        limits.MaxRequestHeaderCount = 100;
        limits.MaxRequestLineSize = 8 * 1024;

        // Nobody is that slow who means well: headers come in one packet or two.
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        limits.MinRequestBodyDataRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

        // Longer than proxies keep theirs (60 to 120 s): whoever closes first must not be the one that is sent to.
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);

        // Each may be a reply that a browser's tab follows. A stream that is cancelled as soon as it is opened counts until it is gone.
        limits.Http2.MaxStreamsPerConnection = 100;

        // A peer that vanished is noticed, however long its stream is silent; over HTTP/1.1 the pings of a stream do that.
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }

    /// <summary>The server would complain of them with a stack trace, or listen somewhere else.</summary>
    private static void CheckUrls(string urls, bool hasCertificate)
    {
        foreach (var url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (SchemeOf(url) is not ("http" or "https"))
                throw new ConfigurationException("ASPNETCORE_URLS must be addresses such as http://*:5000, separated by semicolons.");
            if (SchemeOf(url) == "https" && !hasCertificate)
                throw new ConfigurationException("ASPNETCORE_URLS has an https address, but Kestrel__Certificates__Default__Path is missing.");
        }
    }

    private static string? SchemeOf(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);

            // A port that is no number counts as a part of the name, and the port as 80.
            return address.Host.Contains(':', StringComparison.Ordinal) && !address.Host.StartsWith('[') ? null : address.Scheme;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>A process that nobody asks collects nothing: of its memory, 3 MB would be garbage. It takes some 35 ms, once.</summary>
    public static void ReturnWhatTheStartLeft() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    /// <summary>Says in five lines at most what was chosen and where to look. Nothing secret is in them.</summary>
    public static void AnnounceStart(this WebApplication app) => app.Lifetime.ApplicationStarted.Register(() =>
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        var address = addresses.First().Replace("[::]", "localhost", StringComparison.Ordinal);
        string[] lines =
        [
            $"ChatApi is listening on {address}",
            .. app.Services.DescribeInfrastructure().Select(line => $"  {line}"),
            $"  demo page: {address}/   Swagger UI: {address}/swagger",
        ];
        if (app.Services.IsLogForMachines())
            LogStarted(app.Logger, string.Join(';', lines));
        else
            Console.WriteLine(string.Join('\n', lines));
    });

    [LoggerMessage(LogLevel.Information, "{Summary}")]
    private static partial void LogStarted(ILogger logger, string summary);
}
