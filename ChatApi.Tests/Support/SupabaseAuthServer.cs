using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ChatApi.Tests.Support;

/// <summary>Stands in for the Auth of a Supabase project: real signatures, and its request and error shapes.</summary>
public sealed class SupabaseAuthServer : IAsyncDisposable
{
    public const string ApiKey = "canary-publishable-key";
    public const string Secret = "canary-legacy-secret-0123456789-abcdefghijklmnop";
    public const string Email = "ana@example.com";
    public const string Password = "canary-password";

    private readonly WebApplication _app;
    private readonly Dictionary<string, AsymmetricAlgorithm> _keys = [];
    private int _keyRequests;

    private SupabaseAuthServer(WebApplication app) => _app = app;

    public Guid UserId { get; } = Guid.NewGuid();

    public string Url => _app.Urls.First();

    /// <summary>How often the public keys were asked for.</summary>
    public int KeyRequests => Volatile.Read(ref _keyRequests);

    /// <summary>Whether every call fails, as behind a gateway whose server is down.</summary>
    public bool IsAway { get; set; }

    /// <summary>What every call waits for.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public static async Task<SupabaseAuthServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new SupabaseAuthServer(app);
        server.AddKey("key-1");
        app.Use((context, next) => server.IsAway ? Task.FromResult(context.Response.StatusCode = 503) : next(context));
        app.Use(async (context, next) =>
        {
            await server.Gate.WaitAsync(context.RequestAborted);
            await next(context);
        });
        app.MapGet("/auth/v1/.well-known/jwks.json", server.PublicKeys);
        app.MapPost("/auth/v1/token", server.SignInAsync);
        app.MapPost("/auth/v1/signup", server.SignUpAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>A new key of the project's, from now on among the public ones; for ES256 unless another is given.</summary>
    public void AddKey(string id, AsymmetricAlgorithm? key = null)
    {
        lock (_keys)
            _keys[id] = key ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
    }

    /// <summary>The project revokes a key.</summary>
    public void RemoveKey(string id)
    {
        lock (_keys)
            _keys.Remove(id);
    }

    /// <summary>The claims of a user's token as the project makes them; null as a value leaves one out.</summary>
    public Dictionary<string, object?> Claims(params (string Name, object? Value)[] changes)
    {
        var claims = new Dictionary<string, object?>
        {
            ["iss"] = $"{Url}/auth/v1",
            ["aud"] = "authenticated",
            ["role"] = "authenticated",
            ["sub"] = UserId.ToString(),
            ["email"] = Email,
            ["user_metadata"] = new { name = "Ana" },
            ["exp"] = TestTokens.SecondsFromNow(3600),
        };
        foreach (var (name, value) in changes)
            claims[name] = value;
        return claims.Where(claim => claim.Value is not null).ToDictionary();
    }

    /// <summary>A token under one of the project's keys, or under one that only says so.</summary>
    public string Sign(Dictionary<string, object?> claims, string keyId = "key-1", string? algorithm = null)
    {
        AsymmetricAlgorithm key;
        lock (_keys)
            key = _keys.TryGetValue(keyId, out var known) ? known : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signed = $"{Part(new { alg = algorithm ?? (key is RSA ? "RS256" : "ES256"), typ = "JWT", kid = keyId })}.{Part(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(Sign(key, System.Text.Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>What everybody can read of a key, for those who would sign with it.</summary>
    public string PublicKeyText(string keyId = "key-1") => _keys[keyId].ExportSubjectPublicKeyInfoPem();

    private static byte[] Sign(AsymmetricAlgorithm key, byte[] data) => key switch
    {
        RSA rsa => rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        ECDsa ecdsa => ecdsa.SignData(data, HashAlgorithmName.SHA256),
        _ => throw new ArgumentException("Neither RS256 nor ES256.", nameof(key)),
    };

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static string Part<T>(T value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));

    private IResult PublicKeys()
    {
        Interlocked.Increment(ref _keyRequests);
        lock (_keys)
            return Results.Json(new { keys = _keys.Select(pair => PublicKey(pair.Key, pair.Value)).Append(Symmetric).ToArray() });
    }

    /// <summary>A secret that stands among the public keys by mistake is no key.</summary>
    private static object Symmetric => new { kty = "oct", alg = "HS256", use = "sig", kid = "symmetric", k = Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes(Secret)) };

    private static object PublicKey(string id, AsymmetricAlgorithm key)
    {
        if (key is RSA rsa)
        {
            var numbers = rsa.ExportParameters(false);
            return new { kty = "RSA", alg = "RS256", use = "sig", kid = id, n = Base64Url.EncodeToString(numbers.Modulus), e = Base64Url.EncodeToString(numbers.Exponent) };
        }

        var point = ((ECDsa)key).ExportParameters(false).Q;
        return new { kty = "EC", crv = "P-256", alg = "ES256", use = "sig", kid = id, x = Base64Url.EncodeToString(point.X), y = Base64Url.EncodeToString(point.Y) };
    }

    private async Task<IResult> SignInAsync(HttpRequest request)
    {
        var body = await JsonSerializer.DeserializeAsync<JsonElement>(request.Body);
        if (request.Headers["apikey"] != ApiKey || request.Query["grant_type"] != "password")
            return Refuse(401, "no_authorization", "No API key found in request");
        return (body.GetProperty("email").GetString(), body.GetProperty("password").GetString()) switch
        {
            (Email, Password) => Session(Email),
            ("unconfirmed@example.com", _) => Refuse(400, "email_not_confirmed", "Email not confirmed"),
            ("busy@example.com", _) => Refuse(429, "over_request_rate_limit", "Request rate limit reached"),
            _ => Refuse(400, "invalid_credentials", "Invalid login credentials"),
        };
    }

    private async Task<IResult> SignUpAsync(HttpRequest request)
    {
        var body = await JsonSerializer.DeserializeAsync<JsonElement>(request.Body);
        return body.GetProperty("email").GetString() switch
        {
            Email => Refuse(422, "user_already_exists", "User already registered"),
            "hidden@example.com" => Results.Json(new { id = Guid.NewGuid(), email = "hidden@example.com", identities = Array.Empty<object>() }),
            "confirm@example.com" => Results.Json(new { id = Guid.NewGuid(), email = "confirm@example.com", identities = new[] { new { provider = "email" } } }),
            "weak@example.com" => Results.Json(
                new { code = 422, error_code = "weak_password", msg = "Password is weak", weak_password = new { reasons = new[] { "pwned" } } }, statusCode: 422),
            var email => Session(email!),
        };
    }

    private IResult Session(string email) => Results.Json(new
    {
        access_token = Sign(Claims(("email", email))),
        token_type = "bearer",
        expires_in = 3600,
        user = new { id = UserId, email, role = "authenticated", user_metadata = new { name = "Ana" } },
    });

    private static IResult Refuse(int status, string code, string sentence) =>
        Results.Json(new { code = status, error_code = code, msg = sentence }, statusCode: status);
}
