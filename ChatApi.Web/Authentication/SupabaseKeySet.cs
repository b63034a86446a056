using System.Collections.Frozen;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace ChatApi.Web.Authentication;

/// <summary>Reads a JWKS: public keys for signatures in ES256 and RS256 by their ids, and nothing else that may stand there.</summary>
internal static class SupabaseKeySet
{
    /// <exception cref="FormatException">This is no JWKS.</exception>
    /// <exception cref="JsonException">This is no JSON.</exception>
    public static FrozenDictionary<string, SecurityKey> Read(string json)
    {
        // The library takes any object for a set without keys; a project without keys says so.
        if (JsonSerializer.Deserialize<JsonElement>(json) is not { ValueKind: JsonValueKind.Object } set
            || !set.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
            throw new FormatException("There are no keys in the answer.");
        var known = new Dictionary<string, SecurityKey>();
        foreach (var jwk in new JsonWebKeySet(json).Keys)
        {
            if (!string.IsNullOrEmpty(jwk.Kid) && jwk.Use is null or "" or JsonWebKeyUseNames.Sig
                && JsonWebKeyConverter.TryConvertToSecurityKey(jwk, out var key)
                && AlgorithmOf(key) is { } algorithm && (string.IsNullOrEmpty(jwk.Alg) || jwk.Alg == algorithm))
                known.TryAdd(jwk.Kid, key);
        }

        return known.ToFrozenDictionary();
    }

    /// <summary>The one algorithm that a key is for; null if it is for none that is accepted.</summary>
    public static string? AlgorithmOf(SecurityKey key) => key switch
    {
        ECDsaSecurityKey { KeySize: 256 } => SecurityAlgorithms.EcdsaSha256,
        RsaSecurityKey { KeySize: >= 2048 } => SecurityAlgorithms.RsaSha256,
        _ => null,
    };
}
