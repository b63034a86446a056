using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ChatApi.Tests.Support;

/// <summary>A reverse proxy before a server, which answers questions with errors of its own as often as it is told to.</summary>
public sealed class FaultGateway : IAsyncDisposable
{
    /// <summary>In the place of a status: the connection breaks.</summary>
    public const int Break = 0;

    private static readonly string[] OfConnections = ["Transfer-Encoding", "Connection", "Keep-Alive"];

    private readonly WebApplication _app;
    private readonly HttpClient _server;
    private readonly ConcurrentQueue<int> _faults = new();

    private FaultGateway(WebApplication app, Uri server)
    {
        _app = app;
        _server = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
    }

    public Uri Address => new(_app.Urls.First());

    public static async Task<FaultGateway> BeforeAsync(Uri server)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var gateway = new FaultGateway(app, server);
        app.Run(gateway.AnswerAsync);
        await app.StartAsync();
        return gateway;
    }

    /// <summary>What the next questions are answered with, in the place of the server's answers.</summary>
    public void AnswerWith(params IEnumerable<int> statuses)
    {
        foreach (var status in statuses)
            _faults.Enqueue(status);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _server.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Method != "POST" || !context.Request.Path.Value!.EndsWith("/stream", StringComparison.Ordinal) || !_faults.TryDequeue(out var status))
        {
            await ForwardAsync(context);
            return;
        }

        if (status == Break)
        {
            context.Abort();
            return;
        }

        // With them, pages of other origins see the status; without, only that something broke.
        (context.Response.StatusCode, context.Response.ContentType) = (status, "text/html");
        context.Response.Headers.AccessControlAllowOrigin = "*";
        await context.Response.WriteAsync("<html>Somebody else's page</html>");
    }

    private async Task ForwardAsync(HttpContext context)
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(context.Request.Method), context.Request.Path + context.Request.QueryString);
        if (context.Request.ContentLength is > 0 || context.Request.Headers.ContainsKey("Transfer-Encoding"))
            request.Content = new StreamContent(context.Request.Body);
        foreach (var (name, values) in context.Request.Headers.Where(header => !OfConnections.Contains(header.Key, StringComparer.OrdinalIgnoreCase)))
            if (!request.Headers.TryAddWithoutValidation(name, values.ToArray()))
                request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
        using var answer = await _server.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers).Where(header => !OfConnections.Contains(header.Key, StringComparer.OrdinalIgnoreCase)))
            context.Response.Headers[name] = values.ToArray();
        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
