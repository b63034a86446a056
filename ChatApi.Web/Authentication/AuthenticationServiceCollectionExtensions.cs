using ChatApi.Application.Accounts;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
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

        // Data protection comes with authentication and serves its cookies. There are none here, and so no keys to keep in somebody's home, nor any
        // to be looked for at the start.
        foreach (var service in services.Where(service => service.ImplementationType?.Assembly == typeof(KeyManagementOptions).Assembly
            && service.ServiceType == typeof(IHostedService)).ToList())
            services.Remove(service);
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
