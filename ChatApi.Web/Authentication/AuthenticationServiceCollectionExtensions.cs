using ChatApi.Application.Accounts;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;

namespace ChatApi.Web.Authentication;

/// <summary>Who may come in: the bearers of ChatApi's own tokens, of the old service's, and of the Supabase project's.</summary>
internal static class AuthenticationServiceCollectionExtensions
{
    public static IServiceCollection AddTokenAuthentication(this IServiceCollection services, SupabaseOptions? supabase)
    {
        var authentication = services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme)
            .AddPolicyScheme(JwtBearerDefaults.AuthenticationScheme, null, options =>
                options.ForwardDefaultSelector = context => ChooseScheme(context, supabase))
            .AddJwtBearer(OwnTokens.Scheme, _ => { });
        services.AddSingleton<IConfigureOptions<JwtBearerOptions>, OwnTokens>();
        if (supabase is not null)
            SupabaseTokens.Add(authentication, supabase);

        // Comes with authentication and serves its cookies; there are none here, and so no keys to keep in somebody's home. What it
        // says of that is silenced in appsettings.json.
        services.AddDataProtection().DisableAutomaticKeyGeneration();
        services.AddAuthorizationBuilder()
            .SetFallbackPolicy(null)
            .SetDefaultPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        return services;
    }

    private static string ChooseScheme(HttpContext context, SupabaseOptions? supabase) =>
        supabase is not null && UnverifiedToken.Of(context) is { } token && token.Issuer == supabase.Issuer
            ? SupabaseTokens.SchemeFor(token, supabase)
            : OwnTokens.Scheme;
}
