using ChatApi.Application.Abstractions;
using Microsoft.AspNetCore.Diagnostics;

namespace ChatApi.Web.Errors;

/// <summary>Answers every exception with problem details, and logs those that nobody foresaw.</summary>
internal sealed partial class ProblemExceptionHandler(IChatDbContextFactory contexts, ILogger<ProblemExceptionHandler> logger) : IExceptionHandler
{
    /// <inheritdoc/>
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        var problem = Problem.Of(exception, contexts);
        if (problem is null)
            LogUnforeseen(exception);
        else if (problem.Status >= 500)
            LogFailed(exception, problem.Status, problem.Code);
        await (problem ?? Problem.OfStatus(500)).WriteAsync(httpContext);
        return true;
    }

    [LoggerMessage(LogLevel.Error, "A request failed for a reason that nobody foresaw")]
    private partial void LogUnforeseen(Exception exception);

    [LoggerMessage(LogLevel.Warning, "A request was answered with {Status} {Code}")]
    private partial void LogFailed(Exception exception, int status, string code);
}
