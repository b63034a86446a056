using System.Globalization;
using System.Text;
using ChatApi.Tests.Support;
using Npgsql;

namespace ChatApi.Bench.Costs;

/// <summary>What a database has cost so far: the CPU of its backends, and how many statements they have executed.</summary>
internal readonly record struct PostgresCost(double CpuSeconds, long Statements)
{
    /// <summary>What the server has to be started with.</summary>
    public const string Setting = "shared_preload_libraries=pg_stat_statements";

    private const string Count =
        """
        SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
        JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1 AND query !~* '^(begin|commit|rollback|discard)'
        """;

    public static PostgresCost operator -(PostgresCost after, PostgresCost before) =>
        new(after.CpuSeconds - before.CpuSeconds, after.Statements - before.Statements);

    public static async Task<PostgresCost> ReadAsync(PostgresServer server, string database)
    {
        await using var connection = new NpgsqlConnection(server.AdministratorConnectionString());
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(Count, connection) { Parameters = { new() { Value = database } } };
        return new(Backends(database).Sum(ProcessCost.CpuSeconds), (long)(await command.ExecuteScalarAsync())!);
    }

    /// <summary>
    /// The processes that say that they serve this database. Pools keep their connections for minutes: a backend that ends
    /// within a measurement, and takes its time with it, is not to be expected.
    /// </summary>
    private static IEnumerable<int> Backends(string database)
    {
        var title = $"postgres: {PostgresServer.UserName} {database} ";
        return Directory.EnumerateDirectories("/proc")
            .Select(Path.GetFileName)
            .Where(name => char.IsAsciiDigit(name![0]) && Title(name).StartsWith(title, StringComparison.Ordinal))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture));
    }

    private static string Title(string process)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{process}/cmdline"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ""; // It has ended.
        }
    }
}
