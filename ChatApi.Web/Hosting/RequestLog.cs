using System.Diagnostics;
using ChatApi.Web.Authentication;
using ChatApi.Web.Telemetry;
using Microsoft.AspNetCore.Diagnostics;

namespace ChatApi.Web.Hosting;

/// <summary>
/// One line a request, when it is over. Of the address only the route's template: what people write into paths, queries and bodies
/// is theirs. Health probes that went well are told at Debug, there are so many of them.
/// </summary>
internal sealed partial class RequestLog(RequestDelegate next, ILogger<RequestLog> logger)
{
    private static readonly HashSet<string> Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

    public async Task InvokeAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            var level = context.IsProbe() && context.Response.StatusCode < 400 ? LogLevel.Debug : LogLevel.Information;
            if (logger.IsEnabled(level))
                Log(context, level, Stopwatch.GetElapsedTime(started));
        }
    }

    private void Log(HttpContext context, LogLevel level, TimeSpan elapsed)
    {
        // The handler of exceptions takes the endpoint away, and keeps it there.
        var endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        LogEnded(
            level,
            Methods.TryGetValue(context.Request.Method, out var method) ? method : "OTHER",
            (endpoint as RouteEndpoint)?.RoutePattern.RawText?.TrimStart('/') ?? "*",
            context.Response.StatusCode,
            (long)elapsed.TotalMilliseconds,
            context.Caller() is { IsSignedIn: true } caller ? caller.UserId.ToString() : "nobody",
            context.TraceId());
    }

    [LoggerMessage("{Method} /{Route} was answered with {Status} after {Milliseconds} ms, user {UserId}, trace {TraceId}")]
    private partial void LogEnded(LogLevel level, string method, string route, int status, long milliseconds, string userId, string traceId);
}
