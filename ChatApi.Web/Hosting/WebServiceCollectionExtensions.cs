using ChatApi.Application.Accounts;
using ChatApi.Application.Configuration;
using ChatApi.Web.Authentication;
using ChatApi.Web.Errors;
using ChatApi.Web.Json;
using ChatApi.Web.OpenApi;
using ChatApi.Web.Pagination;
using ChatApi.Web.Streaming;
using ChatApi.Web.Transfers;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ChatApi.Web.Hosting;

/// <summary>The services of the web layer.</summary>
internal static class WebServiceCollectionExtensions
{
    private const string FrontEnds = "FRONTEND_URL";

    public static IServiceCollection AddWeb(this IServiceCollection services, Settings settings)
    {
        services.AddControllers(options =>
            {
                options.SuppressImplicitRequiredAttributeForNonNullableReferenceTypes = true;
                // One for all requests, where by default each has one made.
                options.Filters.Add(new TypeFilterAttribute(typeof(DeletedAccountFilter)) { IsReusable = true });
                options.ModelBinderProviders.Insert(0, new UncancelledActions());

                // Bodies are JSON: a form is neither read nor half-read.
                options.ValueProviderFactories.RemoveType<FormValueProviderFactory>();
                options.ValueProviderFactories.RemoveType<FormFileValueProviderFactory>();
                options.ValueProviderFactories.RemoveType<JQueryFormValueProviderFactory>();
            })
            .AddStrictJson()
            .ConfigureApiBehaviorOptions(options =>
            {
                options.InvalidModelStateResponseFactory = InvalidModelState.Answer;
                options.SuppressMapClientErrors = true;
            });
        services.AddExceptionHandler<ProblemExceptionHandler>();
        services.AddTokenAuthentication(SupabaseOptions.Read(settings));
        services.AddFrontEndCors(settings);
        services.AddTrustedProxies(settings);
        services.AddOpenApiDocument();
        services.AddSingleton<CursorProtector>();
        services.AddSingleton<Pager>();
        services.AddSingleton<SseWriter>();
        services.AddSingleton<ExportSender>();
        services.AddSingleton<ImportLimits>();
        services.AddHealthChecks().AddCheck<DrainCheck>("drain");
        return services;
    }

    private static void AddFrontEndCors(this IServiceCollection services, Settings settings)
    {
        var origins = (settings.Text(FrontEnds) ?? "http://localhost:5173,http://localhost:3000")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(origin => Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.PathAndQuery == "/"
                ? uri.GetLeftPart(UriPartial.Authority)
                : throw new ConfigurationException($"{FrontEnds} must be a list of origins such as https://chat.example.com, separated by commas."))
            .ToArray();
        services.AddCors(options => options.AddDefaultPolicy(policy => policy
            .WithOrigins(origins)
            .AllowCredentials()
            .WithMethods("GET", "POST", "PUT", "PATCH", "DELETE")
            // The Vercel AI SDK sets User-Agent, which some browsers then send and ask for; the trace is of those who trace their pages.
            .WithHeaders(
                "Authorization", "Content-Type", "Accept", "Cache-Control", "Idempotency-Key", "Last-Event-ID", "X-Request-ID", "User-Agent", "traceparent", "tracestate")
            .WithExposedHeaders(
                "Link", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotency-Replayed", "X-Request-ID", "Content-Disposition",
                "x-vercel-ai-ui-message-stream")
            .SetPreflightMaxAge(TimeSpan.FromHours(2))));
    }

    /// <summary>A process that is being stopped takes no new work, although it still answers.</summary>
    private sealed class DrainCheck(IHostApplicationLifetime lifetime) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy() : HealthCheckResult.Healthy());
    }
}
