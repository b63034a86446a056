using ChatApi.Application.Accounts;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ChatApi.Infrastructure.Identity;

/// <summary>Signs ChatApi's own tokens.</summary>
internal sealed class TokenIssuer(TokenOptions options, TimeProvider time)
{
    private readonly JsonWebTokenHandler _handler = new();
    private readonly SigningCredentials _credentials = new(new SymmetricSecurityKey(options.Key), SecurityAlgorithms.HmacSha256);

    public string Issue(Guid userId, string email, string name)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = TokenOptions.Issuer,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + TokenOptions.Lifetime,
            SigningCredentials = _credentials,

            // user_id is what the old service called it; front ends that look into their token find it there.
            Claims = new Dictionary<string, object>
            {
                ["sub"] = userId.ToString(),
                ["user_id"] = userId.ToString(),
                ["email"] = email,
                ["name"] = name,
            },
        });
    }
}
