using ChatApi.Application.Abstractions;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure.Persistence;
using ChatApi.Infrastructure.Persistence.Postgres;
using ChatApi.Infrastructure.Persistence.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace ChatApi.Infrastructure.Journal;

/// <summary>Registers where replies in the making are kept, and how processes tell each other of them.</summary>
internal static class JournalServiceCollectionExtensions
{
    public static IServiceCollection AddJournal(this IServiceCollection services, DatabaseOptions database, Settings settings) =>
        RedisOptions.AreIn(settings) ? AddRedisJournal(services, database, settings) : AddDatabaseJournal(services, database);

    private static IServiceCollection AddDatabaseJournal(IServiceCollection services, DatabaseOptions database)
    {
        services.AddSingleton<IRunSignals, LocalRunSignals>();
        return services.AddSingleton(provider => DatabaseJournal(provider, database));
    }

    /// <summary>Apart from the other, which would load Redis' client where there is none.</summary>
    private static IServiceCollection AddRedisJournal(IServiceCollection services, DatabaseOptions database, Settings settings)
    {
        var redis = RedisOptions.Read(settings);
        services.AddSingleton<IConnectionMultiplexer>(_ => ConnectionMultiplexer.Connect(redis));
        services.AddSingleton<RedisRunSignals>();
        services.AddSingleton<IRunSignals>(provider => provider.GetRequiredService<RedisRunSignals>());
        services.AddHostedService(provider => provider.GetRequiredService<RedisRunSignals>());
        return services.AddSingleton<IRunJournal>(provider => new FallbackRunJournal(
            new RedisRunJournal(provider.GetRequiredService<IConnectionMultiplexer>()),
            DatabaseJournal(provider, database),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<FallbackRunJournal>>()));
    }

    private static IRunJournal DatabaseJournal(IServiceProvider provider, DatabaseOptions database) => database.IsPostgres
        ? new DatabaseRunJournal<PostgresChatDbContext>(
            provider.GetRequiredService<IDbContextFactory<PostgresChatDbContext>>(), JournalSql.Postgres)
        : new DatabaseRunJournal<SqliteChatDbContext>(
            provider.GetRequiredService<IDbContextFactory<SqliteChatDbContext>>(), JournalSql.Sqlite);
}
