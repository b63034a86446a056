using System.Globalization;
using System.Runtime.CompilerServices;
using ChatApi.Application.Limits;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;

namespace ChatApi.Web.Hosting;

/// <summary>Counts requests to the API, and tells how the limits stand (draft-ietf-httpapi-ratelimit-headers).</summary>
internal static class RequestLimits
{
    /// <summary>As long as a header comes with all limits on.</summary>
    private const int Room = 256;

    /// <summary>
    /// A request that asks is counted where it is known whether it repeats an earlier one, which is free, and together with what else it
    /// takes. If it does not come as far, it is counted when it comes back.
    /// </summary>
    public static IApplicationBuilder UseRequestLimits(this IApplicationBuilder app)
    {
        var limits = app.ApplicationServices.GetRequiredService<RateLimits>();
        return app.Use((context, next) =>
        {
            if (!context.IsApi() && !context.IsShared())
                return next(context);
            context.Response.OnStarting(static state => Tell((HttpContext)state), context);
            return limits.CountsRequests ? CountAsync(limits, context, next) : next(context);
        });
    }

    private static async Task CountAsync(RateLimits limits, HttpContext context, RequestDelegate next)
    {
        var caller = context.Caller();
        if (!caller.IsSignedIn || context.GetEndpoint()?.Metadata.GetMetadata<StartsRunAttribute>() is null)
            await limits.TakeRequestAsync(caller);
        try
        {
            await next(context);
        }
        catch (Exception) when (!caller.IsCounted)
        {
            await limits.TakeRequestAsync(caller);
            throw;
        }

        if (!caller.IsCounted && !context.Response.HasStarted)
            await limits.TakeRequestAsync(caller);
    }

    private static Task Tell(HttpContext context)
    {
        var meters = context.Caller().Meters;
        if (meters.Count == 0)
            return Task.CompletedTask;
        var policies = new DefaultInterpolatedStringHandler(0, 0, CultureInfo.InvariantCulture, stackalloc char[Room]);
        var standing = new DefaultInterpolatedStringHandler(0, 0, CultureInfo.InvariantCulture, stackalloc char[Room]);
        for (var index = 0; index < meters.Count; index++)
        {
            var meter = meters[index];
            Add(ref policies, index, meter.Policy.Name, ";q=", meter.Policy.Limit);
            policies.AppendLiteral(Unit(meter.Policy.Kind));
            Add(ref standing, index, meter.Policy.Name, ";r=", meter.Remaining);
            if (meter.Policy.Kind == PolicyKind.Places)
                continue;
            standing.AppendLiteral(";t=");
            standing.AppendFormatted((long)Math.Ceiling(meter.Rest.TotalSeconds));
        }

        context.Response.Headers["RateLimit-Policy"] = policies.ToStringAndClear();
        context.Response.Headers["RateLimit"] = standing.ToStringAndClear();
        return Task.CompletedTask;
    }

    private static void Add(ref DefaultInterpolatedStringHandler list, int index, string name, string parameter, long value)
    {
        list.AppendLiteral(index == 0 ? "\"" : ", \"");
        list.AppendLiteral(name);
        list.AppendLiteral("\"");
        list.AppendLiteral(parameter);
        list.AppendFormatted(value);
    }

    private static string Unit(PolicyKind kind) => kind switch
    {
        PolicyKind.Window => ";w=60",
        PolicyKind.Places => ";qu=\"concurrent-requests\"",
        _ => ";w=86400;qu=\"tokens\"",
    };
}
