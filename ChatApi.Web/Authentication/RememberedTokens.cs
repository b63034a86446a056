using Microsoft.Extensions.Caching.Memory;
using Microsoft.IdentityModel.Tokens;

namespace ChatApi.Web.Authentication;

/// <summary>
/// Validates each token once and remembers it: a client sends the same one with every request. A token that expires is
/// forgotten then; any is looked at again after a while, so that a key that is withdrawn is good for no longer than that. What is
/// not valid is not remembered.
/// </summary>
internal sealed class RememberedTokens(TokenHandler inner, TimeProvider time) : TokenHandler, IDisposable
{
    private const int MostTokens = 10_000;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private readonly MemoryCache _known = new(new MemoryCacheOptions { SizeLimit = MostTokens });

    public override SecurityToken ReadToken(string token) => inner.ReadToken(token);

    public override async Task<TokenValidationResult> ValidateTokenAsync(string token, TokenValidationParameters validationParameters)
    {
        if (_known.TryGetValue(token, out TokenValidationResult? known) && known is not null)
            return known;
        var result = await inner.ValidateTokenAsync(token, validationParameters);
        if (result.IsValid)
            Remember(token, result, validationParameters.ClockSkew);
        return result;
    }

    public void Dispose() => _known.Dispose();

    private void Remember(string token, TokenValidationResult result, TimeSpan skew)
    {
        var now = time.GetUtcNow();
        var left = result.SecurityToken.ValidTo + skew - now.UtcDateTime;
        if (left > TimeSpan.Zero)
            _known.Set(token, result, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = left < Longest ? left : Longest });
    }
}
