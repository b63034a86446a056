using ChatApi.Bench.Costs;
using ChatApi.Bench.Load;
using ChatApi.Tests.Support;
using Npgsql;

namespace ChatApi.Bench.Running;

/// <summary>All the processes of one workload: PostgreSQL, the upstream, and the servers that are put on it.</summary>
/// <param name="program">ChatApi's.</param>
internal sealed class Stage(string program) : IAsyncDisposable
{
    // A web application has the server's collector as it comes; this program, being none, has not.
    private static readonly Dictionary<string, string?> WebApplication = new() { ["DOTNET_gcServer"] = "1" };
    private static readonly Dictionary<string, string?> Inline = new() { ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1" };

    private const int MostConnections = 10_000;

    private readonly List<ServerProcess> _servers = [];
    private ServerProcess? _upstream;
    private PostgresServer? _postgres;
    private RedisServer? _redis;

    public PostgresServer Postgres => _postgres!;

    private string UpstreamAddress => _upstream!.Address.GetLeftPart(UriPartial.Authority);

    /// <summary>Starts what all need.</summary>
    public static async Task<Stage> StartAsync(BenchOptions options, string program)
    {
        var stage = new Stage(program);
        try
        {
            stage._postgres = await PostgresServer.StartAsync(PostgresCost.Setting);
            await stage._postgres.ExecuteAsync("CREATE EXTENSION pg_stat_statements");
            if (options.HasRedis)
                stage._redis = await RedisServer.StartAsync();
            stage._upstream = await stage.StartPartAsync(["upstream"], Inline);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>The upstream itself.</summary>
    public Contestant Direct() => new(Contestant.Direct, [_upstream!], new CompletionsTarget(_upstream!.Address));

    public async Task<Contestant> StartYarpAsync()
    {
        var yarp = await StartPartAsync(["yarp", UpstreamAddress], WebApplication);
        return new(Contestant.Yarp, [yarp], new CompletionsTarget(yarp.Address));
    }

    public async Task<Contestant> StartFloorAsync()
    {
        var database = await Postgres.CreateDatabaseAsync();
        var floor = await StartPartAsync(
            ["floor", UpstreamAddress, ConnectionString(database)], WebApplication.Concat(Inline).ToDictionary());
        return new(Contestant.Floor, [floor], new ChatTarget([floor.Address]), database);
    }

    /// <summary>ChatApi as it comes; with Redis, too, if that is wanted; with other settings; and as it was.</summary>
    public async Task<IReadOnlyList<Contestant>> StartAllChatApisAsync(BenchOptions options)
    {
        var all = new List<Contestant> { await StartChatApiAsync(Contestant.ChatApi, options.Database) };
        if (options.HasRedis)
            all.Add(await StartChatApiAsync(Contestant.ChatApiRedis, options.Database, hasRedis: true));
        foreach (var settings in options.Variants)
            all.Add(await StartChatApiAsync(settings, options.Database, settings: settings));
        foreach (var baseline in options.Baselines)
            all.Add(await StartChatApiAsync(Path.GetFileName(baseline), options.Database, published: Publisher.In(baseline)));
        return all;
    }

    /// <param name="name">What it is called in tables.</param>
    /// <param name="kind">Where it keeps its data.</param>
    /// <param name="hasRedis">Whether it uses the stage's Redis.</param>
    /// <param name="processes">How many of them, on one database.</param>
    /// <param name="settings">More of its environment, as <c>NAME=value NAME=value</c>.</param>
    /// <param name="published">Another program.</param>
    public async Task<Contestant> StartChatApiAsync(
        string name, BenchDatabase kind, bool hasRedis = false, int processes = 1, string? settings = null, string? published = null)
    {
        var database = kind == BenchDatabase.Postgres ? await Postgres.CreateDatabaseAsync() : null;
        var redis = hasRedis ? _redis : null;
        var environment = new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["OPENAI_API_KEY"] = "bench",
            ["OPENAI_BASE_URL"] = new Uri(_upstream!.Address, "/v1").ToString(),
            ["DATABASE_URL"] = database is null ? null : Postgres.Url(database),
            ["REDIS_URL"] = redis?.Url(),
            ["CHAT_LIMIT_REQUESTS_PER_MINUTE"] = "0",
            ["CHAT_LIMIT_TURNS_PER_MINUTE"] = "0",
            ["CHAT_LIMIT_CONCURRENT_RUNS"] = "0",
            ["CHAT_LIMIT_TOKENS_PER_DAY"] = "0",
            ["CHAT_TITLES"] = "off",
        };
        foreach (var setting in settings?.Split(' ') ?? [])
            environment[setting.Split('=')[0]] = setting[(setting.IndexOf('=', StringComparison.Ordinal) + 1)..];
        var servers = new List<ServerProcess>();
        while (servers.Count < processes)
            servers.Add(Keep(await ServerProcess.StartAsync(published ?? program, [], environment)));
        return new(name, servers, new ChatTarget([.. servers.Select(server => server.Address)]), database, redis);
    }

    /// <summary>
    /// Waits until servers have closed connections to the upstream that they keep for a minute after a round, where it would have too
    /// many of them with those of the next one: a process may often have no more than 20,000.
    /// </summary>
    public async Task UntilUpstreamHasRoomAsync()
    {
        while (ProcessCost.OpenFiles(_upstream!.Id) > MostConnections)
            await Task.Delay(TimeSpan.FromSeconds(1));
    }

    public async ValueTask DisposeAsync()
    {
        // The upstream was the first: nobody is to miss it.
        foreach (var server in Enumerable.Reverse(_servers))
            await server.DisposeAsync();
        if (_redis is not null)
            await _redis.DisposeAsync();
        if (_postgres is not null)
            await _postgres.DisposeAsync();
    }

    private async Task<ServerProcess> StartPartAsync(string[] arguments, IReadOnlyDictionary<string, string?> environment) =>
        Keep(await ServerProcess.StartPartAsync(arguments, environment));

    private ServerProcess Keep(ServerProcess server)
    {
        _servers.Add(server);
        return server;
    }

    private string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Postgres.Port,
        Username = PostgresServer.UserName,
        Password = PostgresServer.Password,
        Database = database,
    }.ConnectionString;
}
