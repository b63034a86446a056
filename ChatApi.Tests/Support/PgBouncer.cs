using System.Globalization;
using Npgsql;

namespace ChatApi.Tests.Support;

/// <summary>What pgbouncer lends a connection for.</summary>
public enum PoolMode
{
    Session,
    Transaction,
}

/// <summary>Debian's pgbouncer before a <see cref="PostgresServer"/>: the strictest stand-in for Supabase's poolers.</summary>
public sealed class PgBouncer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly PostgresServer _postgres;
    private readonly PoolMode _mode;
    private ChildProcess? _child;

    private PgBouncer(PostgresServer postgres, PoolMode mode)
    {
        _postgres = postgres;
        _mode = mode;
    }

    public int Port { get; } = ServerPrograms.FreePort();

    public string Output => _child?.Output ?? "";

    public static async Task<PgBouncer> StartAsync(PostgresServer postgres, PoolMode mode)
    {
        ServerPrograms.Find("pgbouncer");
        var pooler = new PgBouncer(postgres, mode);
        try
        {
            await pooler.ConfigureAsync();
            await pooler.RunAsync();
            return pooler;
        }
        catch
        {
            await pooler.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// The URI of a database as Supabase's dashboard gives it: the transaction pooler's says what it is. In session mode a
    /// client keeps its connection: no more than the pooler has servers for, or the rest wait in vain.
    /// </summary>
    public string Url(string database) => _postgres.Url(database, Port) + (_mode == PoolMode.Transaction ? "?pgbouncer=true" : "?connection_limit=10");

    /// <summary>Starts it on the same port; returns when it answers.</summary>
    public async Task RunAsync()
    {
        _child = ServerPrograms.StartUnprivileged(ServerPrograms.Find("pgbouncer"), [_directory.File("pgbouncer.ini")], _directory);
        await Poll.UntilAsync(IsAnsweringAsync, "pgbouncer answering");
    }

    /// <summary>Ends it at once, as its restart does.</summary>
    public async Task StopAsync()
    {
        if (_child is { } child)
            await child.DisposeAsync();
        _child = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _directory.Dispose();
    }

    private async Task ConfigureAsync()
    {
        // 15 is what Supabase's smallest projects have.
        var settings = string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            * = host=127.0.0.1 port={_postgres.Port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {Port}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {_directory.File("users.txt")}
            pool_mode = {(_mode == PoolMode.Session ? "session" : "transaction")}
            default_pool_size = 15
            max_client_conn = 500
            """);
        await File.WriteAllTextAsync(_directory.File("pgbouncer.ini"), settings + "\n");
        await File.WriteAllTextAsync(_directory.File("users.txt"), $"\"{PostgresServer.UserName}\" \"{PostgresServer.Password}\"\n");
        await ServerPrograms.HandOverAsync(_directory);
    }

    private async Task<bool> IsAnsweringAsync()
    {
        if (_child is { HasExited: true })
            throw new InvalidOperationException($"pgbouncer ended:\n{Output}");
        try
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
            {
                Host = "127.0.0.1",
                Port = Port,
                Username = PostgresServer.UserName,
                Password = PostgresServer.Password,
                Database = "postgres",
                Pooling = false,
                NoResetOnClose = true,
            }.ConnectionString);
            await connection.OpenAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }
}
