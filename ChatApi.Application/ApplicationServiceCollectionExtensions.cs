using ChatApi.Application.Accounts;
using ChatApi.Application.Configuration;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using ChatApi.Application.Sessions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

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
        services.AddSingleton<ContextReader>();
        services.AddSingleton<RunStarter>();
        services.AddSingleton<RunService>();
        services.AddSingleton<RunWatcher>();
        services.AddHostedSingleton<RunExecutor>();
        services.AddHostedSingleton<RunLeases>();
        services.AddHostedSingleton<RunMirrors>();
        services.AddHostedService<RunJournalWriter>();
        services.AddHostedService<RunRecovery>();
        return services;
    }

    private static void AddHostedSingleton<T>(this IServiceCollection services) where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
