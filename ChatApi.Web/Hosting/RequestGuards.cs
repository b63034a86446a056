using ChatApi.Application;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Web.Authentication;
using ChatApi.Web.Controllers;
using ChatApi.Web.Errors;
using ChatApi.Web.OpenApi;

namespace ChatApi.Web.Hosting;

/// <summary>What every request and every response has in common.</summary>
internal static class RequestGuards
{
    private const string RequestId = "X-Request-ID";
    private const int LongestRequestId = 128;

    private const string PagePolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Swagger UI puts styles on its elements.</summary>
    private const string SwaggerPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>A request is more than a piece of a reply: it leaves the thread that polls the sockets.</summary>
    public static IApplicationBuilder UseThreadPool(this IApplicationBuilder app) => app.Use(static async (context, next) =>
    {
        await PollingThread.LeaveAsync();
        await next(context);
    });

    /// <summary>Gives every request an id, the client's if it is a sane one, and every response the headers that browsers heed.</summary>
    public static IApplicationBuilder UseRequestIdAndSecurityHeaders(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var wanted = context.Request.Headers[RequestId].ToString();
        if (wanted.Length is > 0 and <= LongestRequestId && wanted.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or ':'))
            context.TraceIdentifier = wanted;
        else
            context.TraceIdentifier = Guid.CreateVersion7().ToString();
        context.Response.OnStarting(static state =>
        {
            var http = (HttpContext)state;
            var headers = http.Response.Headers;
            headers[RequestId] = http.TraceIdentifier;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers.ContentSecurityPolicy = http.Request.Path.StartsWithSegments("/swagger", StringComparison.OrdinalIgnoreCase) ? SwaggerPolicy : PagePolicy;
            return Task.CompletedTask;
        }, context);
        return next(context);
    });

    /// <summary>
    /// Counts requests to the API by user, or by address where nobody is signed in. One that may repeat an earlier one is counted
    /// where that is known: repetitions are free.
    /// </summary>
    public static IApplicationBuilder UseRequestLimit(this IApplicationBuilder app)
    {
        var limits = app.ApplicationServices.GetRequiredService<RateLimits>();
        return app.Use((context, next) =>
        {
            if (context.IsApi() && !MayBeRepetition(context))
                limits.TakeRequest(CurrentUser.TryGetId(context.User, out var id) ? id.ToString() : context.Address());
            return next(context);
        });
    }

    /// <summary>Whether it is none of the pages.</summary>
    public static bool IsApi(this HttpContext context) => context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase);

    private static bool MayBeRepetition(HttpContext context) =>
        context.Request.Headers.ContainsKey(IdempotencyKey.Header)
        && context.GetEndpoint()?.Metadata.GetMetadata<StartsRunAttribute>() is not null
        && CurrentUser.TryGetId(context.User, out _);

    /// <summary>
    /// Refuses what two readers would read differently, or no database would keep: a query parameter given twice, U+0000,
    /// bytes that are no UTF-8.
    /// </summary>
    public static IApplicationBuilder UseStrictQuery(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        foreach (var (name, values) in context.Request.Query)
        {
            if (values.Count > 1 || !IsText(name) || !IsText(values.ToString()))
                return new Problem(StatusCodes.Status400BadRequest, ErrorCodes.InvalidRequest, "The query is not valid.").WriteAsync(context);
        }

        return next(context);

        static bool IsText(string text) => !text.AsSpan().ContainsAny('\0', '\uFFFD');
    });
}
