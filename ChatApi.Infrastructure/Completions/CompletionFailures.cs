using ChatApi.Application.Errors;

namespace ChatApi.Infrastructure.Completions;

/// <summary>What can go wrong with a model, in the words that a client reads: no host, key or body of the upstream's.</summary>
internal static class CompletionFailures
{
    public static CompletionException Failed(bool retryable, Exception? cause = null, TimeSpan? retryAfter = null) =>
        new(ErrorCodes.UpstreamError, "The model could not answer. Please try again later.", retryable, cause) { RetryAfter = retryAfter };

    public static CompletionException Misconfigured(Exception cause) => new(
        ErrorCodes.UpstreamMisconfigured, "The model is not set up correctly on this server.", retryable: false, cause);

    public static CompletionException Throttled(Exception cause, TimeSpan? retryAfter) =>
        new(ErrorCodes.UpstreamThrottled, "The model is busy. Please try again in a moment.", retryable: true, cause) { RetryAfter = retryAfter };

    public static CompletionException OutOfQuota(Exception cause) => new(
        ErrorCodes.UpstreamThrottled, "The quota of the model is used up.", retryable: false, cause);

    public static CompletionException TimedOut(Exception? cause = null) => new(
        ErrorCodes.UpstreamTimeout, "The model took too long to answer.", retryable: true, cause);

    public static CompletionException Truncated(Exception? cause = null) => new(
        ErrorCodes.UpstreamTruncated, "The reply broke off before it was complete.", retryable: true, cause);

    public static CompletionException ContextTooLong(Exception? cause = null) => new(
        ErrorCodes.ContextTooLong, "The conversation is too long for the model.", retryable: false, cause);

    public static CompletionException ContentFiltered(Exception? cause = null) => new(
        ErrorCodes.ContentFiltered, "The content filter of the model refused this conversation.", retryable: false, cause);

    /// <summary>
    /// Whether to send the request again without asking anybody: it was refused, so that nothing was made of it and nothing
    /// is billed. An answer that began and broke is not asked for twice.
    /// </summary>
    public static bool MayBeSentAgain(CompletionException failure) => failure is { Retryable: true, InnerException: UpstreamRefusedException };
}

/// <summary>The request was not taken on. The message is for the log, and holds nothing of what was said, nor where.</summary>
internal sealed class UpstreamRefusedException(string message) : Exception(message);
