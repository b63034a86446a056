using ChatApi.Application.Accounts;
using ChatApi.Application.Configuration;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using ChatApi.Application.Sessions;
using ChatApi.Application.Shares;
using ChatApi.Application.Telemetry;
using ChatApi.Application.Transfers;
using ChatApi.Application.UIChats;
using Microsoft.Extensions.AI;
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
        services.AddSingleton(TrashOptions.Read(settings));
        services.AddHostedService<TrashPurge>();
        services.AddSingleton<MessageService>();
        services.AddSingleton<Branches>();

        services.AddSingleton(ImportOptions.Read(settings));
        services.AddSingleton<ImportPlaces>();
        services.AddSingleton<OwnFormat>();
        services.AddSingleton<ImportService>();
        services.AddSingleton<ExportService>();
        services.AddSingleton<ShareService>();

        services.AddSingleton(LimitOptions.Read(settings));
        services.AddSingleton<RateLimits>();
        services.AddSingleton<StoredUsage>();
        services.AddSingleton(Prices.Read(settings));
        services.AddSingleton<UsageService>();

        services.AddSingleton(TitleOptions.Read(settings));
        services.AddHostedSingleton<SessionTitles>();

        services.AddSingleton(TurnOptions.Read(settings));
        services.AddSingleton<ContextReader>();
        var others = Models.ReadOthers(settings);
        services.AddSingleton(provider => new Models(provider.GetRequiredService<IChatClient>(), others));
        services.AddSingleton<SettingsRules>();
        services.AddSingleton<RunStarter>();
        services.AddSingleton<RunSaver>();
        services.AddSingleton<RunService>();
        services.AddSingleton<RunWatcher>();
        services.AddSingleton<UIChatService>();
        services.AddHostedSingleton<DeletedAccounts>();
        services.AddHostedSingleton<RunExecutor>();
        services.AddHostedSingleton<RunLeases>();
        services.AddHostedSingleton<RunMirrors>();
        services.AddHostedSingleton<RunJournalWriter>();
        services.AddHostedService<RunRecovery>();
        return services;
    }

    /// <summary>Adds what looks up how many runs and viewers there are; after <see cref="AddApplication"/>, and only where somebody collects it.</summary>
    public static IServiceCollection AddRunGauges(this IServiceCollection services) => services.AddHostedService<RunGauges>();

    private static void AddHostedSingleton<T>(this IServiceCollection services) where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
