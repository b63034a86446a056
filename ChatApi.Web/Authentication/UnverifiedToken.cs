using Microsoft.IdentityModel.JsonWebTokens;

namespace ChatApi.Web.Authentication;

/// <summary>
/// What a bearer token says of itself before anybody has looked at its signature. It serves to choose who verifies it, and
/// nothing else: whoever is chosen verifies all of it. What cannot be read has no issuer. The server's limit for headers
/// bounds the work.
/// </summary>
/// <param name="Issuer"><c>iss</c>; empty if there is none.</param>
/// <param name="Algorithm"><c>alg</c>; empty if there is none.</param>
/// <param name="KeyId"><c>kid</c>; empty if there is none.</param>
internal sealed record UnverifiedToken(string Issuer, string Algorithm, string KeyId)
{
    private const string Bearer = "Bearer ";

    private static readonly UnverifiedToken Unreadable = new("", "", "");

    /// <summary>The token of a request, read once.</summary>
    public static UnverifiedToken Of(HttpContext context)
    {
        if (context.Features.Get<UnverifiedToken>() is { } known)
            return known;
        var token = Read(context.Request.Headers.Authorization.ToString());
        context.Features.Set(token);
        return token;
    }

    private static UnverifiedToken Read(string authorization)
    {
        if (!authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return Unreadable;
        try
        {
            var token = new JsonWebToken(authorization[Bearer.Length..].Trim());
            return new(token.Issuer ?? "", token.Alg ?? "", token.Kid ?? "");
        }
        catch (Exception)
        {
            // The library throws half a dozen types for what is no token; whichever it is, the verifier will refuse it.
            return Unreadable;
        }
    }
}
