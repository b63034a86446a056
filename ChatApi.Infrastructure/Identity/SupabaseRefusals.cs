using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using ChatApi.Application.Errors;
using Microsoft.Extensions.Logging;

namespace ChatApi.Infrastructure.Identity;

/// <summary>The one table from what Supabase Auth refuses to what a client is told. Supabase's own sentences go nowhere.</summary>
internal sealed partial class SupabaseRefusals(TimeProvider time, ILogger<SupabaseRefusals> logger)
{
    private static readonly TimeSpan DefaultWait = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    public ChatApiException OfSigningIn(SupabaseAnswer answer) => answer switch
    {
        { Code: "email_not_confirmed" } or { Code: "invalid_grant", Sentence: "Email not confirmed" } => new EmailNotConfirmedException(),

        // Who is banned, and who wrote what is no address, is told what everybody is told.
        { Code: "invalid_credentials" or "invalid_grant" or "user_banned" or "validation_failed" } => new SignInFailedException(),
        _ => OfAnyCall(answer),
    };

    public ChatApiException OfRegistering(SupabaseAnswer answer) => answer switch
    {
        { Code: "user_already_exists" or "email_exists" } or { Sentence: "User already registered" } => OfTakenAddress(),
        { Code: "weak_password" } => WeakPassword(answer.Body),

        // Old servers say it without a code.
        { Status: HttpStatusCode.UnprocessableEntity, Sentence: { } sentence } when sentence.StartsWith("Password should", StringComparison.Ordinal) =>
            WeakPassword(answer.Body),
        { Code: "email_address_invalid" } => Invalid("email", "This email address is not accepted."),
        { Code: "validation_failed" } => new InvalidRequestException(
            ErrorCodes.InvalidRequest, "This email address or this password is not accepted; a password may have 72 bytes at most."),
        { Code: "signup_disabled" or "email_provider_disabled" or "email_address_not_authorized" } => new ConflictException(
            ErrorCodes.RegistrationClosed, "No new accounts are made here with an email address and a password."),
        _ => OfAnyCall(answer),
    };

    public static ConflictException OfTakenAddress() => new(ErrorCodes.EmailTaken, "There is an account with this email address already.");

    /// <summary>A good status over something that is neither a session nor a user.</summary>
    public UnavailableException OfNonsense(SupabaseAnswer answer)
    {
        LogUnexpected((int)answer.Status, "none");
        return Unavailable(null);
    }

    public static UnavailableException Unavailable(Exception? cause) =>
        new(ErrorCodes.IdentityUnavailable, "Signing in does not work just now; please try again in a moment.", cause);

    private ChatApiException OfAnyCall(SupabaseAnswer answer)
    {
        if (answer.Status == HttpStatusCode.TooManyRequests)
            return new RateLimitedException("There were too many tries; please wait a moment.") { RetryAfter = Wait(answer.RetryAfter) };
        LogUnexpected((int)answer.Status, Loggable(answer.Code));
        return Unavailable(null);
    }

    private TimeSpan Wait(RetryConditionHeaderValue? asked)
    {
        var wait = asked?.Delta ?? asked?.Date - time.GetUtcNow() ?? DefaultWait;
        return wait > TimeSpan.Zero && wait <= LongestWait ? wait : DefaultWait;
    }

    private static InvalidRequestException WeakPassword(JsonElement body)
    {
        var reasons = body.TryGetProperty("weak_password", out var weak) && weak.ValueKind == JsonValueKind.Object
            && weak.TryGetProperty("reasons", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Where(reason => reason.ValueKind == JsonValueKind.String).Select(reason => reason.GetString()).ToList()
            : [];
        var sentence =
            reasons.Contains("pwned") ? "This password is known from a data breach; please choose another one."
            : reasons.Contains("characters") ? "The password needs more kinds of characters: small and capital letters, digits, symbols."
            : "The password is too short.";
        return Invalid("password", sentence, ErrorCodes.WeakPassword);
    }

    private static InvalidRequestException Invalid(string field, string sentence, string code = ErrorCodes.InvalidRequest) =>
        new(code, sentence, new Dictionary<string, string[]> { [field] = [sentence] });

    /// <summary>A code is what the other side says it is: only what looks like one gets into the log.</summary>
    private static string Loggable(string? code) =>
        code is { Length: <= 64 } && code.All(character => char.IsAsciiLetterLower(character) || character == '_') ? code : "none";

    [LoggerMessage(LogLevel.Warning, "Supabase Auth answered a sign-in or a registration with status {Status}, code {Code}")]
    private partial void LogUnexpected(int status, string code);
}
