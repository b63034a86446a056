namespace ChatApi.Application.Abstractions;

/// <summary>Where accounts live: with ChatApi, or with Supabase Auth.</summary>
public interface IIdentityProvider
{
    /// <summary>Makes an account and signs it in.</summary>
    /// <param name="email">Trimmed and in lower case.</param>
    /// <param name="password">As typed.</param>
    /// <param name="name">The display name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="Errors.ConflictException"><c>email_taken</c>, <c>registration_closed</c>.</exception>
    /// <exception cref="Errors.InvalidRequestException"><c>weak_password</c>, <c>invalid_request</c>.</exception>
    /// <exception cref="Errors.EmailNotConfirmedException">The account is made, but waits for its owner to confirm the address.</exception>
    /// <exception cref="Errors.RateLimitedException">Too many tries.</exception>
    /// <exception cref="Errors.UnavailableException"><c>identity_unavailable</c>.</exception>
    Task<SignedIn> RegisterAsync(string email, string password, string name, CancellationToken cancellationToken);

    /// <summary>Signs in.</summary>
    /// <param name="email">Trimmed and in lower case.</param>
    /// <param name="password">As typed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="Errors.SignInFailedException">The address or the password is wrong; it is not said which.</exception>
    /// <exception cref="Errors.EmailNotConfirmedException">The address waits to be confirmed.</exception>
    /// <exception cref="Errors.RateLimitedException">Too many tries.</exception>
    /// <exception cref="Errors.UnavailableException"><c>identity_unavailable</c>.</exception>
    Task<SignedIn> LoginAsync(string email, string password, CancellationToken cancellationToken);
}

/// <summary>A signed-in account.</summary>
/// <param name="Token">A bearer token; secret.</param>
/// <param name="UserId">The account.</param>
/// <param name="Name">The display name.</param>
/// <param name="Email">The address.</param>
public sealed record SignedIn(string Token, Guid UserId, string Name, string Email);
