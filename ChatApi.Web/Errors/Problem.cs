using System.Globalization;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Web.Telemetry;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace ChatApi.Web.Errors;

/// <summary>An error as it goes out: RFC 9457, and the <c>error</c> and <c>code</c> that the front ends read.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Error">The sentence.</param>
internal sealed record Problem(int Status, string Code, string Error)
{
    /// <summary>Sentences by field.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>The run that is in the way.</summary>
    public Guid? RunId { get; init; }

    /// <summary>When another try is worth it.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// Written here and not by the framework's problem details service, which declines when the client accepts only
    /// <c>text/event-stream</c> and leaves the body empty.
    /// </summary>
    public async Task WriteAsync(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = Status;
        if (RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (Status == StatusCodes.Status401Unauthorized)
            response.Headers.WWWAuthenticate = "Bearer";
        response.Headers.CacheControl = "no-store";

        var body = new ProblemDetails
        {
            Type = $"urn:chatapi:error:{Code}",
            Title = ReasonPhrases.GetReasonPhrase(Status),
            Status = Status,
            Detail = Error,
            Instance = context.Request.Path.ToUriComponent(),
            Extensions = { ["error"] = Error, ["code"] = Code, ["trace_id"] = context.TraceId() },
        };
        if (Errors is not null)
            body.Extensions["errors"] = Errors;
        if (RunId is not null)
            body.Extensions["run_id"] = RunId;
        var json = context.RequestServices.GetRequiredService<IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions>>().Value.SerializerOptions;

        // Without a token of its own, a client that hangs up meanwhile is no error.
        await response.WriteAsJsonAsync(body, json, "application/problem+json");
    }

    /// <summary>The one table from what was thrown to what is told; null for what nobody foresaw.</summary>
    public static Problem? Of(Exception exception, IChatDbContextFactory contexts) => exception switch
    {
        NotFoundException e => Of(e, 404),
        InvalidRequestException { Code: ErrorCodes.ContextTooLong } e => Of(e, 422),
        InvalidRequestException e => Of(e, 400) with { Errors = e.Errors },
        KeyReusedException e => Of(e, 422),
        ConflictException e => Of(e, 409) with { RunId = e.RunId },
        SignInFailedException e => Of(e, 401),
        EmailNotConfirmedException e => Of(e, 401),
        RateLimitedException e => Of(e, 429),
        UnavailableException e => Of(e, 503),
        CompletionException { Code: ErrorCodes.ContextTooLong or ErrorCodes.ContentFiltered } e => Of(e, 422),
        CompletionException { Code: ErrorCodes.UpstreamThrottled } e => Of(e, 503) with { RetryAfter = e.RetryAfter ?? TimeSpan.FromSeconds(5) },
        CompletionException { Code: ErrorCodes.UpstreamTimeout } e => Of(e, 504),
        CompletionException e => Of(e, 502),
        BadHttpRequestException e => OfStatus(e.StatusCode),
        _ => contexts.Explain(exception) is { } unavailable ? Of(unavailable, 503) : null,
    };

    /// <summary>What a bare status means.</summary>
    public static Problem OfStatus(int status) => status switch
    {
        401 => new(status, ErrorCodes.Unauthorized, "Please sign in: the token is missing, expired or not valid."),
        404 => new(status, ErrorCodes.NotFound, "There is nothing at this address."),
        405 => new(status, ErrorCodes.MethodNotAllowed, "This address does not answer to this method."),
        408 => new(status, ErrorCodes.RequestTimeout, "The request took too long to arrive."),
        413 => new(status, ErrorCodes.PayloadTooLarge, "The request is too large."),
        415 => new(status, ErrorCodes.UnsupportedMediaType, "The body must be JSON: Content-Type: application/json."),
        >= 500 => new(status, ErrorCodes.InternalError, "Something went wrong on our side."),
        _ => new(status, ErrorCodes.InvalidRequest, "The request is not valid."),
    };

    private static Problem Of(ChatApiException exception, int status) =>
        new(status, exception.Code, exception.Message) { RetryAfter = exception.RetryAfter };
}
