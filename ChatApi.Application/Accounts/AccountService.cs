using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;

namespace ChatApi.Application.Accounts;

/// <summary>Makes accounts and signs them in, wherever they live.</summary>
public sealed class AccountService(IIdentityProvider identities, RateLimits limits)
{
    private static readonly RegisterRequestValidator RegisterValidator = new();

    /// <summary>Makes an account and signs it in.</summary>
    /// <param name="request">What it is made of.</param>
    /// <param name="address">The network address that asks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidRequestException"><c>weak_password</c>, <c>invalid_request</c>.</exception>
    /// <exception cref="ConflictException"><c>email_taken</c>, <c>registration_closed</c>.</exception>
    /// <exception cref="EmailNotConfirmedException">The account is made, but its address waits to be confirmed.</exception>
    /// <exception cref="RateLimitedException">Too many attempts.</exception>
    public async Task<SignInResponse> RegisterAsync(RegisterRequest request, string address, CancellationToken cancellationToken)
    {
        RegisterValidator.Check(request);
        var email = Normalize(request.Email!);
        limits.TakeSignIn(address, email);
        var name = string.IsNullOrWhiteSpace(request.Name) ? NameOf(email) : request.Name;
        return SignInResponse.From(await identities.RegisterAsync(email, request.Password!, name, cancellationToken));
    }

    /// <summary>Signs in.</summary>
    /// <param name="request">What signs in.</param>
    /// <param name="address">The network address that asks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SignInFailedException">The address or the password is wrong.</exception>
    /// <exception cref="EmailNotConfirmedException">The address waits to be confirmed.</exception>
    /// <exception cref="RateLimitedException">Too many attempts.</exception>
    public async Task<SignInResponse> LoginAsync(LoginRequest request, string address, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(request.Email) || string.IsNullOrEmpty(request.Password))
            throw new SignInFailedException();
        var email = Normalize(request.Email);
        limits.TakeSignIn(address, email);
        return SignInResponse.From(await identities.LoginAsync(email, request.Password, cancellationToken));
    }

    /// <summary>What stands before the @, as far as a name may be long, and no half of a character.</summary>
    private static string NameOf(string email)
    {
        var name = email[..Math.Min(email.IndexOf('@', StringComparison.Ordinal), RegisterRequestValidator.MaxNameLength)];
        return char.IsHighSurrogate(name[^1]) ? name[..^1] : name;
    }

#pragma warning disable CA1308 // Addresses are shown in lower case.
    private static string Normalize(string email) => email.Trim().ToLowerInvariant();
#pragma warning restore CA1308
}
