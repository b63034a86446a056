using System.Globalization;
using System.Net.Sockets;
using Npgsql;

namespace ChatApi.Tests.Support;

/// <summary>
/// A PostgreSQL 15 of the tests' own: new data directory, free loopback port, scram passwords, a time zone that is not UTC,
/// and the roles that Supabase's projects have.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string UserName = "chatapi";

    /// <summary>Has to be percent-encoded in a URI and quoted in a connection string.</summary>
    public const string Password = "p@ss/w:rd#%;'é";

    private const string Administrator = "postgres";

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(15);

    private readonly TemporaryDirectory _directory = new();
    private readonly string _data;
    private readonly string[] _settings;
    private ChildProcess? _child;
    private int _databases;

    private PostgresServer(string[] settings) => (_data, _settings) = (_directory.File("data"), settings);

    public int Port { get; } = ServerPrograms.FreePort();

    public string Output => _child?.Output ?? "";

    /// <summary>A connection string of a superuser.</summary>
    public string AdministratorConnectionString(string database = "postgres") =>
        new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = Port,
            Username = Administrator,
            Password = Password,
            Database = database,
            Pooling = false,
        }.ConnectionString;

    public static Task<PostgresServer> StartAsync() => StartAsync([]);

    /// <param name="settings">More of them, as <c>name=value</c>.</param>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        var initdb = ServerPrograms.Find("initdb");
        var server = new PostgresServer(settings);
        try
        {
            await server.InitializeAsync(initdb);
            await server.RunAsync();
            await server.ExecuteAsync(
                $"""
                 CREATE ROLE {UserName} LOGIN PASSWORD '{Password.Replace("'", "''", StringComparison.Ordinal)}';
                 CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN;
                 """);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes a new, empty database that belongs to <see cref="UserName"/>, and returns its name.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"chat_{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync($"CREATE DATABASE {name} OWNER {UserName} TEMPLATE template0");
        return name;
    }

    /// <summary>The URI of a database as an operator would write it into <c>DATABASE_URL</c>.</summary>
    public string Url(string database, int? port = null) =>
        string.Create(CultureInfo.InvariantCulture, $"postgres://{UserName}:{Uri.EscapeDataString(Password)}@127.0.0.1:{port ?? Port}/{database}");

    /// <summary>Starts it on the same data and port; returns when it answers.</summary>
    public async Task RunAsync()
    {
        // A crash of the server is to lose nothing (one of the machine may): no fsync, but commits that wait for their write.
        string[] arguments =
        [
            "-D", _data, "-p", Port.ToString(CultureInfo.InvariantCulture),
            .. new[]
            {
                "listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=America/Bogota", "fsync=off",
                "full_page_writes=off", "max_connections=200", "shared_buffers=32MB",
            }.Concat(_settings).SelectMany(setting => new[] { "-c", setting }),
        ];
        _child = ServerPrograms.StartUnprivileged(ServerPrograms.Find("postgres"), arguments, _directory);
        await Poll.UntilAsync(IsAnsweringAsync, "PostgreSQL answering");
    }

    /// <summary>Stops it: SIGINT is a fast shutdown, SIGQUIT an immediate one, SIGTERM waits for the clients.</summary>
    public async Task StopAsync(ProcessSignal signal = ProcessSignal.Interrupt)
    {
        if (_child is not { } child)
            return;
        child.Signal(signal);
        await child.WaitForExitAsync(StopPatience);
        await child.DisposeAsync();
        _child = null;
    }

    /// <summary>Runs a statement as a superuser.</summary>
    public async Task ExecuteAsync(string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(AdministratorConnectionString(database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>How many rows a table has.</summary>
    public async Task<long> CountAsync(string table, string database)
    {
        await using var connection = new NpgsqlConnection(AdministratorConnectionString(database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"SELECT count(*) FROM {table}", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync(ProcessSignal.Quit);
        }
        finally
        {
            _directory.Dispose();
        }
    }

    private async Task InitializeAsync(string initdb)
    {
        var passwordFile = _directory.File("password");
        await File.WriteAllTextAsync(passwordFile, Password);
        await ServerPrograms.HandOverAsync(_directory);
        // A crash of the server is to lose nothing (one of the machine may): no fsync, but commits that wait for their write.
        string[] arguments =
        [
            "-D", _data, "-U", Administrator, "--pwfile", passwordFile, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        ];
        await ServerPrograms.RunUnprivilegedAsync(initdb, arguments, _directory);
    }

    private async Task<bool> IsAnsweringAsync()
    {
        if (_child is { HasExited: true })
            throw new InvalidOperationException($"PostgreSQL ended:\n{Output}");
        try
        {
            await ExecuteAsync("SELECT 1");
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or SocketException)
        {
            return false;
        }
    }
}
