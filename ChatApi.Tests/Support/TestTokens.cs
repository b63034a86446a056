using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>Bearer tokens made by hand, so that each of their parts can be wrong.</summary>
public static class TestTokens
{
    /// <summary>The <c>JWT_SECRET_KEY</c> of the servers that tests start.</summary>
    public const string Key = "canary-signing-key-0123456789-abcdefghijklmnopqrstuvwxyz";

    /// <summary>What the service before ChatApi issued: <c>user_id</c> instead of <c>sub</c>, no issuer, no audience.</summary>
    public static Dictionary<string, object?> LegacyClaims(Guid userId, string email = "ana@example.com", string name = "Ana") => new()
    {
        ["user_id"] = userId.ToString(),
        ["email"] = email,
        ["name"] = name,
        ["exp"] = SecondsFromNow(3600),
        ["iat"] = SecondsFromNow(-60),
    };

    /// <summary>A token that is good for any user, registered or not: quicker than signing in.</summary>
    public static string For(Guid userId) => Sign(LegacyClaims(userId));

    public static long SecondsFromNow(int seconds) => DateTimeOffset.UtcNow.AddSeconds(seconds).ToUnixTimeSeconds();

    public static string Sign(Dictionary<string, object?> claims, string key = Key, string algorithm = "HS256", string? keyId = null)
    {
        var header = new Dictionary<string, object?> { ["alg"] = algorithm, ["typ"] = "JWT" };
        if (keyId is not null)
            header["kid"] = keyId;
        var signed = Part(header) + "." + Part(claims);
        return signed + "." + Base64Url.EncodeToString(Hash(algorithm, key, Encoding.UTF8.GetBytes(signed)));
    }

    /// <summary>A token that says that nobody signed it.</summary>
    public static string Unsigned(Dictionary<string, object?> claims, string none = "none") =>
        Part(new Dictionary<string, object?> { ["alg"] = none, ["typ"] = "JWT" }) + "." + Part(claims) + ".";

    private static byte[] Hash(string algorithm, string key, byte[] text)
    {
        var secret = Encoding.UTF8.GetBytes(key);
        return algorithm switch
        {
            "HS256" => HMACSHA256.HashData(secret, text),
            "HS384" => HMACSHA384.HashData(secret, text),
            "HS512" => HMACSHA512.HashData(secret, text),
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not one that tests sign with."),
        };
    }

    private static string Part(Dictionary<string, object?> claims) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims));
}
