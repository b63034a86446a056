using System.ClientModel.Primitives;
using System.Globalization;
using System.Net.Http.Headers;
using ChatApi.Application.Errors;

namespace ChatApi.Infrastructure.Completions;

/// <summary>Turns an answer other than 200 into the coded exception.</summary>
internal static class UpstreamRefusal
{
    public static CompletionException ToException(PipelineResponse response, UpstreamErrorBody error, TimeProvider timeProvider)
    {
        var code = error.LogCode is { } known ? $" ({known})" : "";
        var cause = new UpstreamRefusedException(string.Create(CultureInfo.InvariantCulture, $"The upstream answered {response.Status}{code}."));
        return response.Status switch
        {
            _ when error.IsContentFiltered => CompletionFailures.ContentFiltered(cause),
            _ when error.IsOutOfQuota => CompletionFailures.OutOfQuota(cause),
            400 or 413 or 422 when error.IsContextTooLong => CompletionFailures.ContextTooLong(cause),
            401 or 403 or 404 => CompletionFailures.Misconfigured(cause),
            402 => CompletionFailures.OutOfQuota(cause),
            // Redirects are not followed: they would take the key to where nobody meant it to go.
            >= 300 and < 400 => CompletionFailures.Misconfigured(cause),
            408 => CompletionFailures.Failed(retryable: true, cause),
            413 => CompletionFailures.ContextTooLong(cause),
            429 => CompletionFailures.Throttled(cause, RetryAfter(response.Headers, timeProvider)),
            >= 500 => CompletionFailures.Failed(retryable: true, cause, RetryAfter(response.Headers, timeProvider)),
            _ => CompletionFailures.Failed(retryable: false, cause),
        };
    }

    /// <summary>What the server asks for: <c>retry-after-ms</c> is finer, so it goes first.</summary>
    private static TimeSpan? RetryAfter(PipelineResponseHeaders headers, TimeProvider timeProvider)
    {
        if (headers.TryGetValue("retry-after-ms", out var text)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds is >= 0 and < int.MaxValue)
            return TimeSpan.FromMilliseconds(milliseconds);
        if (!headers.TryGetValue("Retry-After", out text))
            return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and < int.MaxValue)
            return TimeSpan.FromSeconds(seconds);
        if (!RetryConditionHeaderValue.TryParse(text, out var value) || value.Date is not { } date)
            return null;
        var wait = date - timeProvider.GetUtcNow();
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }
}
