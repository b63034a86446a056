using ChatApi.Application.Abstractions;
using ChatApi.Application.Accounts;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure.Completions;
using ChatApi.Infrastructure.Identity;
using ChatApi.Infrastructure.Journal;
using ChatApi.Infrastructure.Limits;
using ChatApi.Infrastructure.Persistence;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace ChatApi.Infrastructure;

/// <summary>The database, the model and the accounts behind the application's ports.</summary>
public static class InfrastructureServiceCollectionExtensions
{
    /// <summary>Adds what the settings ask for.</summary>
    /// <exception cref="ConfigurationException">A setting is missing or cannot be used.</exception>
    public static IServiceCollection AddInfrastructure(this IServiceCollection services, Settings settings, bool isDevelopment)
    {
        var database = DatabaseOptions.Read(settings);
        services.AddPersistence(database);
        services.AddJournal(database, settings);
        services.AddLimitStore(settings);
        var completions = CompletionOptions.Read(settings);
        services.AddSingleton(completions);
        services.AddCompletions(completions);
        services.AddAccounts(settings, isDevelopment);
        return services;
    }

    /// <summary>
    /// Lets a model reply that the settings do not know, of any provider's; after <see cref="AddInfrastructure"/>. The limits of time hold
    /// for it, retries are its own. <c>docs/models.md</c> says what is expected of it.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="create">Makes the one client of the process.</param>
    public static IServiceCollection UseModel(this IServiceCollection services, Func<IServiceProvider, IChatClient> create) =>
        services.AddSingleton<IChatClient>(provider => new TimeLimitedChatClient(
            new PooledChatClient(create(provider)), provider.GetRequiredService<CompletionOptions>(), provider.GetRequiredService<TimeProvider>()));

    /// <summary>Brings the database's tables up to date, as far as the settings want it done at start.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="isAsked">Whether an operator asked for it, whatever the settings say.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ConfigurationException">The database cannot be used.</exception>
    public static async Task PrepareDatabaseAsync(this IServiceProvider services, bool isAsked, CancellationToken cancellationToken)
    {
        var preparation = services.GetRequiredService<DatabasePreparation>();
        if (isAsked || services.GetRequiredService<DatabaseOptions>().AutoMigrate)
            await preparation.RunAsync(cancellationToken);
        else
            await preparation.WarnIfBehindAsync(cancellationToken);
        await preparation.WarnOfRightsAsync(cancellationToken);

        // EF Core finishes its model when it is first used, and not safely where several begin with it at once.
        await using var db = services.GetRequiredService<IChatDbContextFactory>().Create();
        _ = ((DbContext)db).Model.GetRelationalModel();
    }

    /// <summary>What was chosen, a line each; nothing secret in it.</summary>
    public static IEnumerable<string> DescribeInfrastructure(this IServiceProvider services) =>
    [
        $"database: {services.GetRequiredService<DatabaseOptions>().Description}{(services.GetRequiredService<IRunSignals>() is LocalRunSignals ? "" : ", with Redis")}",
        $"model: {services.DescribeModel()}",
        $"sign-in: {(services.GetService<SupabaseOptions>() is null ? "own accounts" : "Supabase Auth")}",
    ];
}
