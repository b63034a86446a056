using ChatApi.Application.Accounts;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace ChatApi.Web.Authentication;

/// <summary>Verifies ChatApi's own tokens and the old service's.</summary>
internal sealed class OwnTokens(TokenOptions tokens, TimeProvider time) : IConfigureNamedOptions<JwtBearerOptions>
{
    public const string Scheme = "own-tokens";

    public void Configure(JwtBearerOptions options) => Configure(null, options);

    public void Configure(string? name, JwtBearerOptions options)
    {
        if (name != Scheme)
            return;
        options.UseTokensOf(principal => CurrentUser.TryGetId(principal, out _), time);
        options.TokenValidationParameters = new()
        {
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            IssuerSigningKey = new SymmetricSecurityKey(tokens.Key),

            // The old service's tokens have no issuer; whoever names one must name ours.
            IssuerValidator = (issuer, _, _) => string.IsNullOrEmpty(issuer) || issuer == TokenOptions.Issuer
                ? TokenOptions.Issuer
                : throw new SecurityTokenInvalidIssuerException("Another issuer's token."),

            // Nor an audience: a token made for another service is not for this one.
            AudienceValidator = (audiences, _, _) => !audiences.Any(),
            RequireExpirationTime = true,
            ClockSkew = BearerTokens.ClockSkew,
        };
    }
}
