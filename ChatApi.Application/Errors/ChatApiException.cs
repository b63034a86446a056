namespace ChatApi.Application.Errors;

/// <summary>Something that a client is told about. The message is a human sentence without anything internal or secret in it.</summary>
/// <param name="code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="message">The sentence.</param>
/// <param name="innerException">The cause, for the log.</param>
public abstract class ChatApiException(string code, string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>One of <see cref="ErrorCodes"/>.</summary>
    public string Code { get; } = code;

    /// <summary>When it is worth another try; null where nobody knows.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>It does not exist, or not for this user.</summary>
public sealed class NotFoundException() : ChatApiException(ErrorCodes.NotFound, "There is nothing here under this id.");

/// <summary>The request itself is wrong.</summary>
/// <param name="code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="message">The sentence.</param>
/// <param name="errors">Sentences by field, in <c>snake_case</c>; null where no field is to blame.</param>
public sealed class InvalidRequestException(string code, string message, IReadOnlyDictionary<string, string[]>? errors = null)
    : ChatApiException(code, message)
{
    /// <summary>Sentences by field, in <c>snake_case</c>.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; } = errors;
}

/// <summary>The request is right, but not in the present state.</summary>
/// <param name="code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="message">The sentence.</param>
public sealed class ConflictException(string code, string message) : ChatApiException(code, message)
{
    /// <summary>The run that is in the way.</summary>
    public Guid? RunId { get; init; }
}

/// <summary>Another request of this user's had the same <c>Idempotency-Key</c>.</summary>
public sealed class KeyReusedException() : ChatApiException(
    ErrorCodes.IdempotencyKeyReused, "Another request had the same Idempotency-Key: a new request needs a new key.");

/// <summary>The address or the password is wrong.</summary>
public sealed class SignInFailedException() : ChatApiException(ErrorCodes.InvalidCredentials, "The email address or the password is wrong.");

/// <summary>The password is right, but the address waits for its owner to say that it is theirs.</summary>
public sealed class EmailNotConfirmedException() : ChatApiException(
    ErrorCodes.EmailNotConfirmed, "The email address is not confirmed yet: please follow the link that was sent to it, then sign in.");

/// <summary>The user, or the address, does too much.</summary>
/// <param name="message">The sentence.</param>
public sealed class RateLimitedException(string message) : ChatApiException(ErrorCodes.RateLimited, message);

/// <summary>ChatApi, or what it stands on, is not able to answer just now.</summary>
/// <param name="code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="message">The sentence.</param>
/// <param name="innerException">The cause, for the log.</param>
public sealed class UnavailableException(string code, string message, Exception? innerException = null)
    : ChatApiException(code, message, innerException);

/// <summary>
/// The model could not be reached, refused, broke or was too slow. What an <c>IChatClient</c> throws instead of this is
/// taken as <see cref="ErrorCodes.UpstreamError"/>.
/// </summary>
/// <param name="code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="message">The sentence for the client: no host, key or body of the upstream's.</param>
/// <param name="retryable">Whether the same request may well succeed a little later.</param>
/// <param name="innerException">The cause, for the log.</param>
public sealed class CompletionException(string code, string message, bool retryable, Exception? innerException = null)
    : ChatApiException(code, message, innerException)
{
    /// <summary>Whether the same request may well succeed a little later.</summary>
    public bool Retryable { get; } = retryable;
}
