namespace ChatApi.Application.Errors;

/// <summary>The stable codes that clients may branch on; <c>docs/api.md</c> explains each.</summary>
public static class ErrorCodes
{
#pragma warning disable CS1591 // The names say it; docs/api.md has a sentence for each.
    public const string InvalidRequest = "invalid_request";
    public const string InvalidJson = "invalid_json";
    public const string InvalidCursor = "invalid_cursor";
    public const string InvalidEventId = "invalid_event_id";
    public const string InvalidIdempotencyKey = "invalid_idempotency_key";
    public const string IdempotencyKeyReused = "idempotency_key_reused";
    public const string ContentRequired = "content_required";
    public const string ContentTooLong = "content_too_long";
    public const string UnknownModel = "unknown_model";
    public const string NoQuestion = "no_question";
    public const string NotAReply = "not_a_reply";
    public const string WeakPassword = "weak_password";
    public const string Unauthorized = "unauthorized";
    public const string InvalidCredentials = "invalid_credentials";
    public const string EmailNotConfirmed = "email_not_confirmed";
    public const string NotFound = "not_found";
    public const string MethodNotAllowed = "method_not_allowed";
    public const string RequestTimeout = "request_timeout";
    public const string EmailTaken = "email_taken";
    public const string RegistrationClosed = "registration_closed";
    public const string TooManyShares = "too_many_shares";
    public const string TooManySiblings = "too_many_siblings";
    public const string RunInProgress = "run_in_progress";
    public const string PayloadTooLarge = "payload_too_large";
    public const string UnsupportedMediaType = "unsupported_media_type";
    public const string ContextTooLong = "context_too_long";
    public const string ContentFiltered = "content_filtered";
    public const string RateLimited = "rate_limited";
    public const string InternalError = "internal_error";
    public const string UpstreamError = "upstream_error";
    public const string UpstreamMisconfigured = "upstream_misconfigured";
    public const string UpstreamThrottled = "upstream_throttled";
    public const string UpstreamTimeout = "upstream_timeout";
    public const string UpstreamTruncated = "upstream_truncated";
    public const string Interrupted = "interrupted";
    public const string ShuttingDown = "shutting_down";
    public const string IdentityUnavailable = "identity_unavailable";
    public const string DatabaseBusy = "database_busy";
    public const string DatabaseUnavailable = "database_unavailable";
    public const string StorageFull = "storage_full";
#pragma warning restore CS1591
}
