using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace ChatApi.Tests.Support;

/// <summary>What the replicas of a <see cref="Cluster"/> share.</summary>
public enum Storage
{
    /// <summary>A file; one replica.</summary>
    Sqlite,
    Postgres,
    PgBouncerTransaction,
    PostgresAndRedis,
}

/// <summary>
/// Several real processes on one database of their own, with a scripted model behind them, and a proxy before each server in
/// which faults can be switched on. Replicas can be killed, frozen and started again.
/// </summary>
public sealed class Cluster : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _parts = [];
    private readonly List<TemporaryDirectory> _directories = [];
    private readonly List<ChatApiProcess> _replicas = [];
    private readonly bool _ownsPostgres;
    private readonly ConcurrentQueue<string> _outputs = new();
    private Dictionary<string, string?> _settings = [];

    private Cluster(Storage storage, bool ownsPostgres)
    {
        Storage = storage;
        _ownsPostgres = ownsPostgres;
        Upstream = ScriptedUpstream.Start();
        Model = new ModelScripts(Upstream);
    }

    public Storage Storage { get; }

    public ScriptedUpstream Upstream { get; }

    public ModelScripts Model { get; }

    public IReadOnlyList<ChatApiProcess> Replicas => _replicas;

    /// <summary>All that replicas have printed, also those that were started again since.</summary>
    public IEnumerable<string> Outputs => [.. _outputs, .. _replicas.ToArray().Select(replica => replica.Output)];

    /// <summary>The server; shared with other tests, unless it was asked for one's own.</summary>
    public PostgresServer? Postgres { get; private set; }

    /// <summary>Its database.</summary>
    public string DatabaseName { get; private set; } = "";

    public RedisServer? Redis { get; private set; }

    /// <summary>Before PostgreSQL, or before pgbouncer.</summary>
    public FaultProxy? DatabaseProxy { get; private set; }

    public FaultProxy? RedisProxy { get; private set; }

    /// <param name="storage">What they share.</param>
    /// <param name="replicas">How many.</param>
    /// <param name="settings">More settings, or others.</param>
    /// <param name="ownsPostgres">Whether PostgreSQL is to be this cluster's alone, to be stopped say.</param>
    public static async Task<Cluster> StartAsync(
        Storage storage, int replicas, Dictionary<string, string?>? settings = null, bool ownsPostgres = false)
    {
        var cluster = new Cluster(storage, ownsPostgres);
        try
        {
            await cluster.PrepareAsync(settings ?? []);
            for (var index = 0; index < replicas; index++)
            {
                var directory = new TemporaryDirectory();
                File.WriteAllText(directory.File(".env"), "");
                cluster._directories.Add(directory);
            }

            // Together, on an empty database.
            cluster._replicas.AddRange(await Task.WhenAll(cluster._directories.Select(directory => cluster.LaunchAsync(directory))));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A user that nobody has seen before, before the first replica.</summary>
    public ApiClient NewUser() => ApiClient.NewUser(_replicas[0]);

    /// <summary>The same user before another replica, or before one that was started again.</summary>
    public ApiClient On(int replica, ApiClient user) => new(_replicas[replica], user.UserId, user.Token);

    /// <summary>Starts a replica again with settings that are others from now on; null as a value for none.</summary>
    public Task RestartAsync(int replica, Dictionary<string, string?> settings)
    {
        foreach (var (name, value) in settings)
            _settings[name] = value;
        return RestartAsync(replica);
    }

    /// <summary>Starts a replica again that has ended.</summary>
    public async Task RestartAsync(int replica)
    {
        await _replicas[replica].DisposeAsync();
        _outputs.Enqueue(_replicas[replica].Output);
        _replicas[replica] = await LaunchAsync(_directories[replica]);
    }

    /// <summary>Executes a statement in the first replica's file.</summary>
    /// <returns>The number that it gives; 0 if it gives none.</returns>
    public async Task<long> SqliteAsync(string sql)
    {
        var file = Path.Combine(_replicas[0].WorkingDirectory, "data", "chatapi.db");
        await using var connection = new SqliteConnection($"Data Source={file};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync() as long? ?? 0;
    }

    /// <summary>Lets every transaction that inserts into a table take a second more to be committed, so that a process can be held up meanwhile.</summary>
    /// <param name="table">Of PostgreSQL, with its schema.</param>
    public Task DelayCommitsAsync(string table) => Postgres!.ExecuteAsync(
        $"""
        CREATE FUNCTION chat.linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chat.linger()
        """,
        DatabaseName);

    /// <summary>Returns when such a transaction is being committed.</summary>
    public Task UntilCommittingAsync() => Poll.UntilAsync(
        async () => await Postgres!.CountAsync($"pg_stat_activity WHERE datname = '{DatabaseName}' AND wait_event = 'PgSleep'", DatabaseName) > 0, "the commit");

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Task.WhenAll(_replicas.Select(async replica =>
            {
                replica.Resume();
                await replica.DisposeAsync();
            }));
        }
        finally
        {
            foreach (var part in Enumerable.Reverse(_parts))
                await part.DisposeAsync();
            await Upstream.DisposeAsync();
            foreach (var directory in _directories)
                directory.Dispose();
        }
    }

    private Task<ChatApiProcess> LaunchAsync(TemporaryDirectory directory) => ChatApiProcess.StartAsync(_settings, directory.Path);

    private async Task PrepareAsync(Dictionary<string, string?> settings)
    {
        _settings = ChatApiEnvironment.Settings(Upstream, await PrepareDatabaseAsync());
        _settings["CHAT_LIMIT_CONCURRENT_RUNS"] = "0";
        if (Storage == Storage.PostgresAndRedis)
        {
            Redis = Keep(await RedisServer.StartAsync());
            RedisProxy = Keep(FaultProxy.Before(Redis.Port));
            _settings["REDIS_URL"] = Redis.Url(RedisProxy.Port);
        }

        foreach (var (name, value) in settings)
            _settings[name] = value;
    }

    private async Task<string?> PrepareDatabaseAsync()
    {
        if (Storage == Storage.Sqlite)
            return null;
        Postgres = _ownsPostgres ? Keep(await PostgresServer.StartAsync()) : await ChatApiEnvironment.PostgresAsync();
        DatabaseName = await Postgres.CreateDatabaseAsync();
        if (Storage != Storage.PgBouncerTransaction)
        {
            DatabaseProxy = Keep(FaultProxy.Before(Postgres.Port));
            return Postgres.Url(DatabaseName, DatabaseProxy.Port);
        }

        var pooler = Keep(await PgBouncer.StartAsync(Postgres, PoolMode.Transaction));
        DatabaseProxy = Keep(FaultProxy.Before(pooler.Port));
        return Postgres.Url(DatabaseName, DatabaseProxy.Port) + "?pgbouncer=true";
    }

    private T Keep<T>(T part) where T : IAsyncDisposable
    {
        _parts.Add(part);
        return part;
    }
}
