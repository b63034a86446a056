using ChatApi.Application.Abstractions;
using ChatApi.Application.Accounts;
using ChatApi.Application.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatApi.Infrastructure.Identity;

/// <summary>Registers where accounts live.</summary>
internal static class IdentityServiceCollectionExtensions
{
    public static IServiceCollection AddAccounts(this IServiceCollection services, Settings settings, bool isDevelopment)
    {
        // Tokens of ChatApi's own stay valid beside Supabase's.
        services.AddSingleton(SigningKey.Read(settings, isDevelopment));
        return SupabaseOptions.Read(settings) is { } supabase
            ? services.AddSupabaseAccounts(supabase)
            : services.AddOwnAccounts(isDevelopment);
    }

    private static IServiceCollection AddSupabaseAccounts(this IServiceCollection services, SupabaseOptions supabase)
    {
        services.AddSingleton(supabase);
        services.AddSingleton<SupabaseRefusals>();
        return services.AddSingleton<IIdentityProvider>(provider => new SupabaseIdentityProvider(
            supabase, SupabaseIdentityProvider.CreateHttpClient(), provider.GetRequiredService<SupabaseRefusals>()));
    }

    private static IServiceCollection AddOwnAccounts(this IServiceCollection services, bool isDevelopment)
    {
        services.AddSingleton<TokenIssuer>();
        services.AddSingleton<LocalIdentityProvider>();
        services.AddSingleton<IIdentityProvider>(provider => provider.GetRequiredService<LocalIdentityProvider>());
        return isDevelopment ? services.AddSingleton(DemoAccount.SignIn).AddHostedService<DemoAccount>() : services;
    }
}
