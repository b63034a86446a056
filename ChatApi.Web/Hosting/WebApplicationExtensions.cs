using ChatApi.Application.Accounts;
using ChatApi.Web.Errors;
using ChatApi.Web.OpenApi;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;

namespace ChatApi.Web.Hosting;

/// <summary>The one pipeline.</summary>
internal static class WebApplicationExtensions
{
    public static WebApplication UseChatApi(this WebApplication app)
    {
        app.UseThreadPool();
        app.UseTrustedProxies();
        app.UseMiddleware<RequestLog>();
        app.UseRequestIdAndSecurityHeaders();
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            // ProblemExceptionHandler answers all; the middleware only wants to be told of something to fall back on.
            ExceptionHandler = _ => Task.CompletedTask,

            // Otherwise Kestrel's own 408 and 413 become 500.
            StatusCodeSelector = exception => exception is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError,
            SuppressDiagnosticsCallback = _ => true,
        });
        app.UseStatusCodePages(context => Problem.OfStatus(context.HttpContext.Response.StatusCode).WriteAsync(context.HttpContext));
        app.UseWhen(context => !context.IsApi(), pages =>
        {
            pages.UseDefaultFiles();
            pages.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache" });
        });

        // The generator comes with the first request that gets as far, with all comments of three assemblies.
        app.UseWhen(context => context.IsSwagger(), pages => pages.UseSwaggerPages());
        app.UseRouting();
        app.UseCors();
        app.UseStrictQuery();
        app.UseAuthentication();
        app.UseRequestLimits();
        app.UseAuthorization();
        app.MapControllers();

        // For the demo page: it offers the account only where there is one.
        app.MapGet("/demo-account", context =>
        {
            if (context.RequestServices.GetService<DemoSignIn>() is { } demo)
                return context.Response.WriteAsJsonAsync(demo);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false }).ShortCircuit();
        app.MapHealthChecks("/health/ready").ShortCircuit();
        return app;
    }
}
