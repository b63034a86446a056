using ChatApi.Application.Configuration;
using ChatApi.Infrastructure.Persistence.Postgres;
using Microsoft.Data.Sqlite;

namespace ChatApi.Infrastructure.Persistence;

/// <summary>Which database, and how to reach it.</summary>
/// <param name="IsPostgres">PostgreSQL, or SQLite.</param>
/// <param name="ConnectionString">As the driver wants it; secret.</param>
/// <param name="Description">For the operator; nothing secret in it.</param>
/// <param name="AutoMigrate">Whether migrations are applied at start (<c>DATABASE_AUTO_MIGRATE</c>).</param>
internal sealed record DatabaseOptions(bool IsPostgres, string ConnectionString, string Description, bool AutoMigrate)
{
    private const string Variable = "DATABASE_URL";
    private const string DefaultFile = "data/chatapi.db";

    public static DatabaseOptions Read(Settings settings)
    {
        var autoMigrate = settings.Flag("DATABASE_AUTO_MIGRATE", true);
        var value = settings.Text(Variable) ?? $"Data Source={DefaultFile}";
        if (PostgresUrl.TryParse(Variable, value) is { } postgres)
            return new(true, postgres.ConnectionString, $"PostgreSQL ({postgres.Mode})", autoMigrate);

        try
        {
            var sqlite = new SqliteConnectionStringBuilder(value) { ForeignKeys = true };
            if (sqlite.DataSource.Length == 0)
                throw new ArgumentException("No data source.");
            return new(false, sqlite.ConnectionString, $"SQLite ({sqlite.DataSource})", autoMigrate);
        }
        catch (ArgumentException)
        {
            throw new ConfigurationException(
                $"{Variable} must be a postgres:// address, a Host=… string for PostgreSQL or a Data Source=… string for SQLite.");
        }
    }
}
