using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ChatApi.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace ChatApi.Bench.Yardsticks;

/// <summary>HS256 by hand, each token checked once and remembered until it expires.</summary>
internal sealed class FloorTokens
{
    private const string Scheme = "Bearer ";
    private static readonly byte[] Key = Encoding.UTF8.GetBytes(TestTokens.Key);

    private readonly ConcurrentDictionary<string, (Guid User, long Expires)> _known = new();

    /// <exception cref="BadHttpRequestException">The token is not good.</exception>
    public Guid UserOf(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        var (user, expires) = _known.GetOrAdd(header, Check);
        return expires > DateTimeOffset.UtcNow.ToUnixTimeSeconds() ? user : throw Refused();
    }

    private static (Guid User, long Expires) Check(string header)
    {
        if (!header.StartsWith(Scheme, StringComparison.Ordinal) || header[Scheme.Length..].Split('.') is not [var head, var claims, var signature])
            throw Refused();
        var hash = HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes($"{head}.{claims}"));
        if (!CryptographicOperations.FixedTimeEquals(hash, Base64Url.DecodeFromChars(signature)))
            throw Refused();
        using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(claims));
        return (json.RootElement.GetProperty("user_id").GetGuid(), json.RootElement.GetProperty("exp").GetInt64());
    }

    private static BadHttpRequestException Refused() => new("The token is not good.", StatusCodes.Status401Unauthorized);
}
