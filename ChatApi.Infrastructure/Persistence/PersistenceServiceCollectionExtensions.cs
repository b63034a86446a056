using System.Diagnostics;
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
        return options.IsPostgres ? AddPostgres(services, options) : AddSqlite(services, options);
    }

    /// <summary>Apart from the other, which would load this driver too.</summary>
    private static IServiceCollection AddPostgres(IServiceCollection services, DatabaseOptions options)
    {
        services.AddSingleton(_ => CreateDataSource(options.ConnectionString));
        services.AddPooledDbContextFactory<PostgresChatDbContext>(
            (provider, builder) => UsePostgres(builder, provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton<IChatDbContextFactory, ChatDbContextFactory<PostgresChatDbContext>>();
        services.AddSingleton<EntityTurnStore<PostgresChatDbContext>>();
        services.AddSingleton<ITurnStore, PostgresTurnStore>();
        services.AddSingleton<ISessionSearch, PostgresSessionSearch>();
        return services.AddSingleton<IDatabaseMigrator, PostgresMigrator>();
    }

    private static IServiceCollection AddSqlite(IServiceCollection services, DatabaseOptions options)
    {
        services.AddPooledDbContextFactory<SqliteChatDbContext>(builder => UseSqlite(builder, options.ConnectionString));
        services.AddSingleton<IChatDbContextFactory, ChatDbContextFactory<SqliteChatDbContext>>();
        services.AddSingleton<ITurnStore, EntityTurnStore<SqliteChatDbContext>>();
        services.AddSingleton<ISessionSearch, SqliteSessionSearch>();
        return services.AddSingleton<IDatabaseMigrator, SqliteMigrator>();
    }

    public static void UsePostgres(DbContextOptionsBuilder builder, NpgsqlDataSource source) => Common(builder)
        .UseNpgsql(source, npgsql => npgsql
            .EnableRetryOnFailure(maxRetryCount: 3, maxRetryDelay: TimeSpan.FromSeconds(1), errorCodesToAdd: null)
            .MigrationsHistoryTable(MigrationsTable, PostgresChatDbContext.Schema));

    public static void UseSqlite(DbContextOptionsBuilder builder, string connectionString) => Common(builder)
        .UseSqlite(connectionString, sqlite => sqlite.MigrationsHistoryTable(MigrationsTable));

    /// <summary>
    /// Statements are traced as a part of a request or a run; what leases, journal and health checks look up several times a second
    /// would be traces of nothing. Without a name the driver would give its metrics the address and the user instead.
    /// </summary>
    private static NpgsqlDataSource CreateDataSource(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString) { Name = "chatapi" };
        builder.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(_ => IsTraced)
            .ConfigureBatchFilter(_ => IsTraced)
            .EnablePhysicalOpenTracing(false)
            .EnableFirstResponseEvent(false));
        return builder.Build();
    }

    private static bool IsTraced => Activity.Current is { Recorded: true };

    private static DbContextOptionsBuilder Common(DbContextOptionsBuilder builder) => builder
        .UseSnakeCaseNamingConvention()
        .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
        // No context outlives the method that creates it; the check allocates for every row that is read.
        .EnableThreadSafetyChecks(false)
        // They are thrown to the one place that logs failures; logged here as well, each would be told twice.
        .ConfigureWarnings(warnings => warnings.Ignore(
            CoreEventId.SaveChangesFailed, CoreEventId.OptimisticConcurrencyException, CoreEventId.QueryIterationFailed,
            RelationalEventId.CommandError, RelationalEventId.ConnectionError, RelationalEventId.TransactionError));
}
