using System.Text;
using ChatApi.Application.Configuration;

namespace ChatApi.Application.Accounts;

/// <summary>The Supabase project whose Auth keeps the accounts. Not a record: its text would hold the secrets.</summary>
public sealed class SupabaseOptions
{
    private const string UrlName = "SUPABASE_URL", KeyName = "SUPABASE_KEY", SecretName = "SUPABASE_JWT_SECRET";

    /// <summary>HMAC-SHA256 with less is refused by the token library, but only at the first token.</summary>
    private const int ShortestSecret = 32;

    private SupabaseOptions(string url, string key, byte[]? jwtSecret)
    {
        Issuer = $"{url}/auth/v1";
        ApiKey = key;
        JwtSecret = jwtSecret;
    }

    /// <summary>The address of the project's Auth, which is the <c>iss</c> of its tokens as well; no slash at its end.</summary>
    public string Issuer { get; }

    /// <summary>The publishable (anon) key.</summary>
    public string ApiKey { get; }

    /// <summary>The HS256 secret of projects that still sign with it; secret. Null: HS256 is not accepted from the project.</summary>
    public byte[]? JwtSecret { get; }

    /// <summary>What the settings say; null if accounts are ChatApi's own.</summary>
    /// <exception cref="ConfigurationException">The group is half-filled, or a value cannot be used.</exception>
    public static SupabaseOptions? Read(Settings settings)
    {
        var url = settings.HttpUri(UrlName);
        var key = settings.Text(KeyName);
        var secret = settings.Text(SecretName);
        return (url, key) switch
        {
            (null, null) when secret is null => null,
            (null, _) => throw new ConfigurationException($"{(key is null ? SecretName : KeyName)} is set, but {UrlName} is missing."),
            (_, null) => throw new ConfigurationException($"{UrlName} is set, but {KeyName} is missing: signing in needs it."),
            _ => new(ProjectUrl(url), Sendable(key), secret is null ? null : LongEnough(secret)),
        };
    }

    /// <summary>The dashboard shows addresses of single APIs, too: with one of them no token would ever be accepted.</summary>
    private static string ProjectUrl(Uri url) =>
        url is { Query: "", Fragment: "", UserInfo: "" } && !url.AbsolutePath.Contains("/v1", StringComparison.Ordinal)
            ? url.GetLeftPart(UriPartial.Path).TrimEnd('/')
            : throw new ConfigurationException($"{UrlName} must be the address of the project alone, as in https://<ref>.supabase.co.");

    /// <summary>The key travels in a header: what cannot would fail at every call, and not say why.</summary>
    private static string Sendable(string key) => key.All(character => character is > ' ' and < '\x7f')
        ? key
        : throw new ConfigurationException($"{KeyName} must consist of visible ASCII characters.");

    private static byte[] LongEnough(string secret) => Encoding.UTF8.GetBytes(secret) is { Length: >= ShortestSecret } bytes
        ? bytes
        : throw new ConfigurationException($"{SecretName} is too short: it has {ShortestSecret} bytes at least.");
}
