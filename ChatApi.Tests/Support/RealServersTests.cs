using Npgsql;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>The servers that other tests stand on are what they say they are.</summary>
public sealed class RealServersTests
{
    [Test]
    public async Task PostgreSQL_15_answers_in_a_time_zone_that_is_not_UTC()
    {
        await using var postgres = await PostgresServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();

        var version = await AskAsync(postgres.AdministratorConnectionString(database), "SHOW server_version");
        var zone = await AskAsync(postgres.AdministratorConnectionString(database), "SHOW timezone");

        Assert.That(version, Does.StartWith("15."));
        Assert.That(zone, Is.EqualTo("America/Bogota"));
    }

    [TestCase(PoolMode.Session)]
    [TestCase(PoolMode.Transaction)]
    public async Task Pgbouncer_pools_as_it_was_told(PoolMode mode)
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var pooler = await PgBouncer.StartAsync(postgres, mode);
        var url = new Uri(pooler.Url(await postgres.CreateDatabaseAsync()));
        var connectionString = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host,
            Port = url.Port,
            Username = PostgresServer.UserName,
            Password = PostgresServer.Password,
            Database = url.AbsolutePath.Trim('/'),
            Pooling = false,
            NoResetOnClose = true,
        }.ConnectionString;
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using (var create = new NpgsqlCommand("SET statement_timeout = '77s'", connection))
            await create.ExecuteNonQueryAsync();

        // With one session pinned, only transaction pooling lends its server connection, and what was set on it, to another client.
        var seenByAnother = await AskAsync(connectionString, "SHOW statement_timeout");

        Assert.That(seenByAnother, Is.EqualTo(mode == PoolMode.Transaction ? "77s" : "0"));
        Assert.That(url.Query, Is.EqualTo(mode == PoolMode.Transaction ? "?pgbouncer=true" : "?connection_limit=10"));
    }

    private static async Task<string?> AskAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (string?)await command.ExecuteScalarAsync();
    }
}
