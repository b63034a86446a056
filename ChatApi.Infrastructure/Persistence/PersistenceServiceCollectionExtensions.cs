using ChatApi.Application.Abstractions;
using ChatApi.Infrastructure.Persistence.Postgres;
using ChatApi.Infrastructure.Persistence.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatApi.Infrastructure.Persistence;

internal static class PersistenceServiceCollectionExtensions
{
    private const string MigrationsTable = "__ef_migrations_history";

    public static IServiceCollection AddPersistence(this IServiceCollection services, DatabaseOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<DatabasePreparation>();
        services.AddHealthChecks().AddCheck<DatabaseHealthCheck>("database");
        if (options.IsPostgres)
        {
            services.AddSingleton(_ => NpgsqlDataSource.Create(options.ConnectionString));
            services.AddPooledDbContextFactory<PostgresChatDbContext>(
                (provider, builder) => UsePostgres(builder, provider.GetRequiredService<NpgsqlDataSource>()));
            services.AddSingleton<IChatDbContextFactory, ChatDbContextFactory<PostgresChatDbContext>>();
            services.AddSingleton<ITurnStore, PostgresTurnStore>();
            services.AddSingleton<IDatabaseMigrator, PostgresMigrator>();
        }
        else
        {
            services.AddPooledDbContextFactory<SqliteChatDbContext>(builder => UseSqlite(builder, options.ConnectionString));
            services.AddSingleton<IChatDbContextFactory, ChatDbContextFactory<SqliteChatDbContext>>();
            services.AddSingleton<ITurnStore, SqliteTurnStore>();
            services.AddSingleton<IDatabaseMigrator, SqliteMigrator>();
        }

        return services;
    }

    public static void UsePostgres(DbContextOptionsBuilder builder, NpgsqlDataSource source) => Common(builder)
        .UseNpgsql(source, npgsql => npgsql
            .EnableRetryOnFailure(maxRetryCount: 3, maxRetryDelay: TimeSpan.FromSeconds(1), errorCodesToAdd: null)
            .MigrationsHistoryTable(MigrationsTable, PostgresChatDbContext.Schema));

    public static void UseSqlite(DbContextOptionsBuilder builder, string connectionString) => Common(builder)
        .UseSqlite(connectionString, sqlite => sqlite.MigrationsHistoryTable(MigrationsTable));

    private static DbContextOptionsBuilder Common(DbContextOptionsBuilder builder) => builder
        .UseSnakeCaseNamingConvention()
        .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
        // They are thrown to the one place that logs failures; logged here as well, each would be told twice.
        .ConfigureWarnings(warnings => warnings.Ignore(
            CoreEventId.SaveChangesFailed, CoreEventId.OptimisticConcurrencyException, CoreEventId.QueryIterationFailed,
            RelationalEventId.CommandError, RelationalEventId.ConnectionError));
}
