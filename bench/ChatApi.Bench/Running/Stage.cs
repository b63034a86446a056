using ChatApi.Bench.Costs;
using ChatApi.Bench.Load;
using ChatApi.Tests.Support;
using Npgsql;

namespace ChatApi.Bench.Running;

/// <summary>All the processes of one workload: PostgreSQL, the upstream, the yardsticks, and ChatApi.</summary>
internal sealed class Stage : IAsyncDisposable
{
    // A web application has the server's collector as it comes; this program, being none, has not.
    private static readonly Dictionary<string, string?> WebApplication = new() { ["DOTNET_gcServer"] = "1" };
    private static readonly Dictionary<string, string?> Inline = new() { ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1" };

    private readonly List<Contestant> _contestants = [];
    private ServerProcess? _upstream;
    private PostgresServer? _postgres;

    private Stage()
    {
    }

    /// <summary>In the order in which they are measured.</summary>
    public IReadOnlyList<Contestant> Contestants => _contestants;

    public PostgresServer Postgres => _postgres!;

    public static async Task<Stage> StartAsync(BenchOptions options, string program)
    {
        var stage = new Stage();
        try
        {
            await stage.StartServersAsync(options, program);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var contestant in _contestants.Where(contestant => contestant.Server != _upstream))
            await contestant.Server.DisposeAsync();
        if (_upstream is not null)
            await _upstream.DisposeAsync();
        if (_postgres is not null)
            await _postgres.DisposeAsync();
    }

    private async Task StartServersAsync(BenchOptions options, string program)
    {
        _postgres = await PostgresServer.StartAsync(PostgresCost.Setting);
        await _postgres.ExecuteAsync("CREATE EXTENSION pg_stat_statements");
        _upstream = await ServerProcess.StartPartAsync(["upstream"], Inline);
        var address = _upstream.Address.GetLeftPart(UriPartial.Authority);
        _contestants.Add(new(Contestant.Direct, _upstream, new CompletionsTarget(_upstream.Address), null));

        var yarp = await ServerProcess.StartPartAsync(["yarp", address], WebApplication);
        _contestants.Add(new(Contestant.Yarp, yarp, new CompletionsTarget(yarp.Address), null));

        var database = await _postgres.CreateDatabaseAsync();
        var floor = await ServerProcess.StartPartAsync(
            ["floor", address, ConnectionString(database)], WebApplication.Concat(Inline).ToDictionary());
        _contestants.Add(new(Contestant.Floor, floor, new ChatTarget(floor.Address), database));

        await AddChatApiAsync(Contestant.ChatApi, program, options, null);
        foreach (var settings in options.Variants)
            await AddChatApiAsync(settings, program, options, settings);
        if (options.Baseline is { } baseline)
            await AddChatApiAsync("baseline", Publisher.In(baseline), options, null);
    }

    private async Task AddChatApiAsync(string name, string program, BenchOptions options, string? settings)
    {
        var database = options.Database == BenchDatabase.Postgres ? await Postgres.CreateDatabaseAsync() : null;
        var environment = new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["OPENAI_API_KEY"] = "bench",
            ["OPENAI_BASE_URL"] = new Uri(_upstream!.Address, "/v1").ToString(),
            ["DATABASE_URL"] = database is null ? null : Postgres.Url(database),
            ["CHAT_LIMIT_REQUESTS_PER_MINUTE"] = "0",
            ["CHAT_LIMIT_TURNS_PER_MINUTE"] = "0",
            ["CHAT_LIMIT_CONCURRENT_RUNS"] = "0",
            ["CHAT_LIMIT_TOKENS_PER_DAY"] = "0",
        };
        foreach (var setting in settings?.Split(' ') ?? [])
            environment[setting.Split('=')[0]] = setting[(setting.IndexOf('=', StringComparison.Ordinal) + 1)..];
        var server = await ServerProcess.StartAsync(program, [], environment);
        _contestants.Add(new(name, server, new ChatTarget(server.Address), database));
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
