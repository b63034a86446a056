using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Configuration;

namespace ChatApi.Bench.Yardsticks;

/// <summary>A YARP that hands everything through, as it comes from its documentation but without logs: nothing is checked, read or stored.</summary>
internal static class YarpYardstick
{
    /// <summary>Serves until the process is ended.</summary>
    public static async Task RunAsync(string upstream)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "upstream", Match = new RouteMatch { Path = "{**path}" } }],
            [
                new ClusterConfig
                {
                    ClusterId = "upstream",
                    Destinations = new Dictionary<string, DestinationConfig> { ["one"] = new() { Address = upstream } },
                },
            ]);
        await using var app = builder.Build();
        app.MapReverseProxy();
        await app.StartAsync();
        Console.WriteLine($"yarp is listening on {app.Urls.First()}");
        await app.WaitForShutdownAsync();
    }
}
