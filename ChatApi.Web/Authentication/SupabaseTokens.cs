using System.Security.Claims;
using ChatApi.Application.Accounts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ChatApi.Web.Authentication;

/// <summary>
/// Verifies the tokens of the Supabase project's users: one scheme for its public keys and one for its old secret, so that no
/// key ever meets another's algorithm. The project's own keys (anon, service_role) are tokens, too, and public: they have
/// another role, and no user.
/// </summary>
internal sealed class SupabaseTokens(SupabaseOptions supabase, SupabaseKeys keys, TimeProvider time) : IConfigureNamedOptions<JwtBearerOptions>
{
    private const string KeysScheme = "supabase-keys";
    private const string SecretScheme = "supabase-secret";
    private const string Authenticated = "authenticated";

    public static void Add(AuthenticationBuilder authentication, SupabaseOptions supabase)
    {
        authentication.AddJwtBearer(KeysScheme, _ => { });
        if (supabase.JwtSecret is not null)
            authentication.AddJwtBearer(SecretScheme, _ => { });
        authentication.Services.AddSingleton(provider => new SupabaseKeys(
            supabase, SupabaseKeys.CreateHttpClient(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SupabaseKeys>>()));
        authentication.Services.AddHostedService(provider => provider.GetRequiredService<SupabaseKeys>());
        authentication.Services.AddSingleton<IConfigureOptions<JwtBearerOptions>>(provider =>
            new SupabaseTokens(supabase, provider.GetRequiredService<SupabaseKeys>(), provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Who is to verify a token that says that it is the project's.</summary>
    public static string SchemeFor(UnverifiedToken token, SupabaseOptions supabase) =>
        token.Algorithm == SecurityAlgorithms.HmacSha256 && supabase.JwtSecret is not null ? SecretScheme : KeysScheme;

    public void Configure(JwtBearerOptions options) => Configure(null, options);

    public void Configure(string? name, JwtBearerOptions options)
    {
        if (name is not (KeysScheme or SecretScheme))
            return;
        options.UseTokensOf(IsUser, time);
        options.TokenValidationParameters = new()
        {
            ValidIssuer = supabase.Issuer,
            ValidAudience = Authenticated,
            RequireExpirationTime = true,
            ClockSkew = BearerTokens.ClockSkew,
            TryAllIssuerSigningKeys = false,
        };
        if (name == KeysScheme)
            UsePublicKeys(options);
        else
            UseSecret(options, new SymmetricSecurityKey(supabase.JwtSecret));
    }

    private static bool IsUser(ClaimsPrincipal principal) =>
        principal.FindFirstValue("role") == Authenticated && Guid.TryParseExact(principal.FindFirstValue("sub"), "D", out _);

    private static void UseSecret(JwtBearerOptions options, SymmetricSecurityKey secret)
    {
        options.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.HmacSha256];

        // The secret has an id in newer projects, which is not told.
        options.TokenValidationParameters.IssuerSigningKeyResolver = (_, _, _, _) => [secret];
    }

    private void UsePublicKeys(JwtBearerOptions options)
    {
        string[] algorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256];
        options.TokenValidationParameters.ValidAlgorithms = algorithms;

        // The library asks for keys where nothing can be awaited: they are made ready before.
        var recall = options.Events.OnMessageReceived;
        options.Events.OnMessageReceived = async context =>
        {
            await recall(context);
            if (context.Result is null && UnverifiedToken.Of(context.HttpContext) is { KeyId.Length: > 0 } token && algorithms.Contains(token.Algorithm))
                await keys.PrepareAsync(token.KeyId, context.HttpContext.RequestAborted);
        };
        options.TokenValidationParameters.IssuerSigningKeyResolver = (_, token, id, _) =>
            keys.Find(id, ((JsonWebToken)token).Alg) is { } key ? [key] : [];
    }
}
