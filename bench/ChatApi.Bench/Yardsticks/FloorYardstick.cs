using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Bench.Yardsticks;

/// <summary>
/// The least that can be done for a turn: the token, the owner, ten messages, the question and the reply in two round trips,
/// and nothing of what makes a product: no limits, no errors, no stopping, no logs. What it costs is the floor.
/// </summary>
internal static class FloorYardstick
{
    /// <summary>Serves until the process is ended.</summary>
    public static async Task RunAsync(string upstream, string connectionString)
    {
        await using var database = await FloorDatabase.OpenAsync(connectionString);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false, ActivityHeadersPropagator = null });
        var tokens = new FloorTokens();
        var address = new Uri(new Uri(upstream), "/v1/chat/completions");

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        // The half that belongs to INLINE_COMPLETIONS, with which this process is started: neither does anything alone.
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        await using var app = builder.Build();
        app.MapPost("/api/chat/realtime/sessions", async context =>
        {
            var id = await database.CreateSessionAsync(tokens.UserOf(context));
            await context.Response.BodyWriter.WriteAsync(Encoding.UTF8.GetBytes($$"""{"id":"{{id}}"}"""));
        });
        app.MapPost("/api/chat/realtime/sessions/{id:guid}/stream", context => new FloorTurn(context, database, http, address).RunAsync(tokens.UserOf(context)));
        await app.StartAsync();
        Console.WriteLine($"floor is listening on {app.Urls.First()}");
        await app.WaitForShutdownAsync();
    }
}
