using ChatApi.Application.Accounts;
using ChatApi.Application.Configuration;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using ChatApi.Application.Sessions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ChatApi.Application;

/// <summary>The services of the application layer.</summary>
public static class ApplicationServiceCollectionExtensions
{
    /// <summary>Adds accounts, sessions, messages and runs.</summary>
    /// <exception cref="ConfigurationException">A setting is out of its range.</exception>
    public static IServiceCollection AddApplication(this IServiceCollection services, Settings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<AccountService>();
        services.AddSingleton<SessionService>();
        services.AddSingleton<MessageService>();

        services.AddSingleton(LimitOptions.Read(settings));
        services.AddSingleton<RateLimits>();
        services.AddSingleton<TokenBudget>();

        services.AddSingleton(TurnOptions.Read(settings));
        services.AddSingleton<RunService>();
        services.AddSingleton<RunWatcher>();
        services.AddSingleton<RunExecutor>();
        services.AddHostedService(provider => provider.GetRequiredService<RunExecutor>());
        services.AddHostedService<RunLeases>();
        return services;
    }
}
