using System.Net;
using System.Text;
using System.Text.Unicode;
using ChatApi.Application;
using ChatApi.Application.Errors;
using ChatApi.Web.Errors;
using ChatApi.Web.Shares;
using ChatApi.Web.Telemetry;

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

    /// <summary>What a link shows: text and nothing else.</summary>
    private static readonly string SharedPolicy =
        $"default-src 'none'; script-src 'none'; style-src '{SharedPage.StyleHash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

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
            context.TraceIdentifier = TelemetrySetup.ExportedTraceId() ?? Guid.CreateVersion7().ToString();
        context.Response.OnStarting(static state =>
        {
            var http = (HttpContext)state;
            var headers = http.Response.Headers;
            headers[RequestId] = http.TraceIdentifier;
            SetSecurityHeaders(http, headers);
            return Task.CompletedTask;
        }, context);
        return next(context);
    });

    private static void SetSecurityHeaders(HttpContext context, IHeaderDictionary headers)
    {
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.ContentSecurityPolicy = context.IsShared() ? SharedPolicy
            : context.IsSwagger() ? SwaggerPolicy : PagePolicy;
        headers.XFrameOptions = "DENY";

        // Front ends of other origins ask by CORS, which this does not touch: it is about those that embed without asking.
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (context.Request.IsHttps && context.Request.Host.Host != "localhost" && !IsDevelopment(context))
            headers.StrictTransportSecurity = "max-age=31536000";
        if (context.IsShared())
        {
            // Whoever has the link may read it; nobody is to find it.
            headers["X-Robots-Tag"] = "noindex, nofollow, noarchive";
            headers.CacheControl = "no-store";
        }

        if (context.IsApi())
        {
            // What people say is in no cache, a shared one least of all.
            if (headers.CacheControl.Count == 0)
                headers.CacheControl = "no-store";
        }
        else
        {
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()";
        }
    }

    private static bool IsDevelopment(HttpContext context) => context.RequestServices.GetRequiredService<IWebHostEnvironment>().IsDevelopment();

    /// <summary>Whether it is none of the pages.</summary>
    public static bool IsApi(this HttpContext context) => context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether it is the description of the API, or the pages that show it.</summary>
    public static bool IsSwagger(this HttpContext context) => context.Request.Path.StartsWithSegments("/swagger", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether it is what somebody has shared, as data or as a page.</summary>
    public static bool IsShared(this HttpContext context) =>
        context.Request.Path.StartsWithSegments("/shared", StringComparison.OrdinalIgnoreCase)
        || context.Request.Path.StartsWithSegments("/api/shared", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether an orchestrator wants to know how it is.</summary>
    public static bool IsProbe(this HttpContext context) => context.Request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Refuses what two readers would read differently, or no database would keep: a query parameter given twice, U+0000,
    /// bytes that are no UTF-8.
    /// </summary>
    public static IApplicationBuilder UseStrictQuery(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (!context.Request.QueryString.HasValue)
            return next(context);
        var isValid = IsUtf8(context.Request.QueryString.Value);
        if (isValid)
            foreach (var (name, values) in context.Request.Query)
                isValid &= values.Count <= 1 && !name.Contains('\0') && !values.ToString().Contains('\0');
        return isValid
            ? next(context)
            : new Problem(StatusCodes.Status400BadRequest, ErrorCodes.InvalidRequest, "The query is not valid.").WriteAsync(context);
    });

    /// <summary>The framework leaves escapes that make no character as they are, and everybody else makes something else of them.</summary>
    private static bool IsUtf8(string query)
    {
        if (!query.Contains('%'))
            return true;
        var bytes = Encoding.UTF8.GetBytes(query);
        return Utf8.IsValid(WebUtility.UrlDecodeToBytes(bytes, 0, bytes.Length));
    }
}
