using ChatApi.Application.Abstractions;

namespace ChatApi.Application.Accounts;

/// <summary>An account.</summary>
/// <param name="Id">UUID.</param>
/// <param name="User">The display name.</param>
/// <param name="Email">The address.</param>
public sealed record AccountResponse(Guid Id, string User, string Email);

/// <summary>A signed-in account.</summary>
/// <param name="Token">The bearer token for all other calls.</param>
/// <param name="User">Whose it is.</param>
public sealed record SignInResponse(string Token, AccountResponse User)
{
    internal static SignInResponse From(SignedIn signedIn) =>
        new(signedIn.Token, new AccountResponse(signedIn.UserId, signedIn.Name, signedIn.Email));
}
