using ChatApi.Infrastructure.Persistence.Postgres;
using ChatApi.Infrastructure.Persistence.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Npgsql;

namespace ChatApi.Infrastructure.Persistence;

/// <summary>For <c>dotnet ef migrations add</c>, which needs no server; see CONTRIBUTING.md.</summary>
internal sealed class PostgresDesignTimeFactory : IDesignTimeDbContextFactory<PostgresChatDbContext>
{
    public PostgresChatDbContext CreateDbContext(string[] args)
    {
        var builder = new DbContextOptionsBuilder<PostgresChatDbContext>();
        PersistenceServiceCollectionExtensions.UsePostgres(builder, NpgsqlDataSource.Create("Host=localhost"));
        return new(builder.Options);
    }
}

/// <inheritdoc cref="PostgresDesignTimeFactory"/>
internal sealed class SqliteDesignTimeFactory : IDesignTimeDbContextFactory<SqliteChatDbContext>
{
    public SqliteChatDbContext CreateDbContext(string[] args)
    {
        var builder = new DbContextOptionsBuilder<SqliteChatDbContext>();
        PersistenceServiceCollectionExtensions.UseSqlite(builder, "Data Source=:memory:");
        return new(builder.Options);
    }
}
