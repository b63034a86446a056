using ChatApi.Tests.Support;
using Npgsql;

namespace ChatApi.Bench.Costs;

/// <summary>What a database has cost so far.</summary>
/// <param name="CpuSeconds">Of its backends.</param>
/// <param name="Statements">That they have executed.</param>
/// <param name="Entries">Added to journals.</param>
/// <param name="Connections">That are open.</param>
internal readonly record struct PostgresCost(double CpuSeconds, long Statements, long Entries, int Connections)
{
    /// <summary>What the server has to be started with.</summary>
    public const string Setting = "shared_preload_libraries=pg_stat_statements";

    private const string Count =
        """
        SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(rows) FILTER (WHERE query ~ '^INSERT INTO chat.run_journal'), 0)::bigint
        FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1 AND query !~* '^(begin|commit|rollback|discard)'
        """;

    private const string Backends = "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'";

    public static PostgresCost operator -(PostgresCost after, PostgresCost before) =>
        new(
            after.CpuSeconds - before.CpuSeconds, after.Statements - before.Statements, after.Entries - before.Entries, after.Connections);

    public static async Task<PostgresCost> ReadAsync(PostgresServer server, string database)
    {
        await using var connection = new NpgsqlConnection(server.AdministratorConnectionString());
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(Count, connection) { Parameters = { new() { Value = database } } };
        var backends = await BackendsAsync(connection, database);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return new(backends.Sum(ProcessCost.CpuSeconds), reader.GetInt64(0), reader.GetInt64(1), backends.Count);
    }

    /// <summary>
    /// Its processes. Pools keep their connections for minutes: a backend that ends within a measurement, and takes its time with it,
    /// is not to be expected.
    /// </summary>
    private static async Task<List<int>> BackendsAsync(NpgsqlConnection connection, string database)
    {
        await using var command = new NpgsqlCommand(Backends, connection) { Parameters = { new() { Value = database } } };
        await using var reader = await command.ExecuteReaderAsync();
        var backends = new List<int>();
        while (await reader.ReadAsync())
            backends.Add(reader.GetInt32(0));
        return backends;
    }
}
