using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Caching.Memory;

namespace ChatApi.Web.Authentication;

/// <summary>
/// Whose a token is that was found good: a client sends the same one with every request. A token that expires is forgotten then; any is
/// looked at again after a while, so that a key that is withdrawn is good for no longer than that. What is not valid is not
/// remembered.
/// </summary>
internal sealed class RememberedTokens(TimeProvider time) : IDisposable
{
    private const int MostTokens = 10_000;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private readonly MemoryCache _known = new(new MemoryCacheOptions { SizeLimit = MostTokens });

    /// <summary>Null where the request's token has to be validated.</summary>
    public ClaimsPrincipal? Find(HttpRequest request) =>
        request.Headers.Authorization.ToString() is { Length: > 0 } header && _known.TryGetValue(header, out ClaimsPrincipal? principal) ? principal : null;

    public void Remember(TokenValidatedContext context)
    {
        var left = context.SecurityToken.ValidTo + context.Options.TokenValidationParameters.ClockSkew - time.GetUtcNow().UtcDateTime;
        if (left > TimeSpan.Zero)
            _known.Set(context.Request.Headers.Authorization.ToString(), context.Principal, new MemoryCacheEntryOptions
            {
                Size = 1,
                AbsoluteExpirationRelativeToNow = left < Longest ? left : Longest,
            });
    }

    public void Dispose() => _known.Dispose();
}
