using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;

namespace ChatApi.Application.Accounts;

/// <summary>Makes accounts, signs them in, and deletes them, wherever they live.</summary>
public sealed class AccountService(IIdentityProvider identities, DeletedAccounts deleted, RateLimits limits)
{
    private static readonly RegisterRequestValidator RegisterValidator = new();

    /// <summary>Makes an account and signs it in.</summary>
    /// <param name="request">What it is made of.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidRequestException"><c>weak_password</c>, <c>invalid_request</c>.</exception>
    /// <exception cref="ConflictException"><c>email_taken</c>, <c>registration_closed</c>.</exception>
    /// <exception cref="EmailNotConfirmedException">The account is made, but its address waits to be confirmed.</exception>
    /// <exception cref="RateLimitedException">Too many attempts.</exception>
    public async Task<SignInResponse> RegisterAsync(RegisterRequest request, Caller caller, CancellationToken cancellationToken)
    {
        RegisterValidator.Check(request);
        var email = Normalize(request.Email!);
        await limits.TakeSignInAsync(caller, email);
        var name = string.IsNullOrWhiteSpace(request.Name) ? NameOf(email) : request.Name;
        return SignInResponse.From(await identities.RegisterAsync(email, request.Password!, name, cancellationToken));
    }

    /// <summary>Signs in.</summary>
    /// <param name="request">What signs in.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SignInFailedException">The address or the password is wrong.</exception>
    /// <exception cref="EmailNotConfirmedException">The address waits to be confirmed.</exception>
    /// <exception cref="RateLimitedException">Too many attempts.</exception>
    public async Task<SignInResponse> LoginAsync(LoginRequest request, Caller caller, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(request.Email) || string.IsNullOrEmpty(request.Password))
            throw new SignInFailedException();
        var signedIn = await VerifyAsync(Normalize(request.Email), request.Password, caller, cancellationToken);

        // Supabase Auth may still know whom we do not know any more.
        return deleted.Contains(signedIn.UserId) ? throw new SignInFailedException() : SignInResponse.From(signedIn);
    }

    /// <summary>Deletes an account with all that is its own; none of its tokens is good any more.</summary>
    /// <param name="account">Whose it is, as the token says.</param>
    /// <param name="request">The password.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="cancellationToken">Gives up, as long as the password is not verified.</param>
    /// <exception cref="SignInFailedException">The password is wrong, or the account has none.</exception>
    /// <exception cref="RateLimitedException">Too many attempts.</exception>
    public async Task DeleteAsync(AccountResponse account, DeleteAccountRequest request, Caller caller, CancellationToken cancellationToken)
    {
        var email = Normalize(account.Email);
        if (email.Length == 0 || string.IsNullOrEmpty(request.Password))
            throw new SignInFailedException();
        var signedIn = await VerifyAsync(email, request.Password, caller, cancellationToken);

        // The address of a token of the old service's may be another account's here.
        if (signedIn.UserId != account.Id)
            throw new SignInFailedException();
        await deleted.AddAsync(account.Id);
    }

    private async Task<SignedIn> VerifyAsync(string email, string password, Caller caller, CancellationToken cancellationToken)
    {
        await limits.TakeSignInAsync(caller, email);
        try
        {
            return await identities.LoginAsync(email, password, cancellationToken);
        }
        catch (SignInFailedException)
        {
            await limits.NoteFailedSignInAsync(email);
            throw;
        }
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
