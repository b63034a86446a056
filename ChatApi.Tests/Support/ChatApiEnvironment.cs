using System.Collections.Concurrent;

namespace ChatApi.Tests.Support;

/// <summary>Where ChatApi keeps its data in a run of the HTTP suite.</summary>
public enum DatabaseKind
{
    Sqlite,
    Postgres,
    PgBouncerSession,
    PgBouncerTransaction,
}

/// <summary>
/// A running ChatApi on one kind of database, with a scripted model behind it; started when the first test asks for it,
/// shared by all, and ended with the assembly.
/// </summary>
public sealed class ChatApiEnvironment : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<DatabaseKind, Lazy<Task<ChatApiEnvironment>>> All = new();
    private static readonly string[] UnforeseenSigns = [" fail: ", " crit: ", "ObjectDisposedException", "NullReferenceException"];
    private static readonly Lazy<Task<PostgresServer>> SharedPostgres = new(PostgresServer.StartAsync);

    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start();
    private readonly DatabaseKind _kind;
    private readonly Lock _gate = new();
    private int _read;
    private PgBouncer? _pooler;

    private ChatApiEnvironment(DatabaseKind kind)
    {
        _kind = kind;
        Model = new ModelScripts(_upstream);
    }

    public ModelScripts Model { get; }

    public ChatApiProcess Server { get; private set; } = null!;

    /// <summary>
    /// Lines of the server's log, each given once, that no request should be able to cause, or that hold what people said. Tests run side by side: the one
    /// that is told may not be the one to blame.
    /// </summary>
    public IReadOnlyList<string> TakeUnforeseenFailures()
    {
        lock (_gate)
        {
            var output = Server.Output;
            var lines = output[_read..].Split('\n').Where(line => UnforeseenSigns.Any(sign => line.Contains(sign, StringComparison.Ordinal)))
                .Concat(Canary.Leaks(output[_read..])).ToList();
            _read = output.Length;
            return lines;
        }
    }

    /// <summary>The one PostgreSQL of this run of the tests, for those that need a database of their own.</summary>
    public static Task<PostgresServer> PostgresAsync() => SharedPostgres.Value;

    public static Task<ChatApiEnvironment> ForAsync(DatabaseKind database) =>
        All.GetOrAdd(database, kind => new Lazy<Task<ChatApiEnvironment>>(() => StartAsync(kind))).Value;

    /// <summary>The settings of a server in tests: a known key, a scripted model, and limits and titles that are no test's subject off.</summary>
    public static Dictionary<string, string?> Settings(ScriptedUpstream upstream, string? databaseUrl = null) => new()
    {
        ["JWT_SECRET_KEY"] = TestTokens.Key,
        ["OPENAI_API_KEY"] = "canary-openai-key",
        ["OPENAI_BASE_URL"] = upstream.BaseUrl,
        ["DATABASE_URL"] = databaseUrl,
        ["CHAT_LIMIT_REQUESTS_PER_MINUTE"] = "0",
        ["CHAT_LIMIT_TURNS_PER_MINUTE"] = "0",
        ["CHAT_LIMIT_SIGN_INS_PER_MINUTE"] = "0",
        ["CHAT_TITLES"] = "off",
    };

    public async ValueTask DisposeAsync()
    {
        if (Server is not null)
        {
            await Artifacts.WriteAsync($"server-{_kind}.log", Server.Output);
            await Server.EndAsync();
        }

        if (_pooler is not null)
            await _pooler.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    /// <summary>Ends what was started and shared.</summary>
    public static async Task DisposeAllAsync()
    {
        foreach (var environment in All.Values.Where(environment => environment.IsValueCreated && environment.Value.IsCompletedSuccessfully))
            await environment.Value.Result.DisposeAsync();
        if (SharedPostgres is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            await SharedPostgres.Value.Result.DisposeAsync();
    }

    private static async Task<ChatApiEnvironment> StartAsync(DatabaseKind kind)
    {
        var environment = new ChatApiEnvironment(kind);
        try
        {
            var url = await environment.PrepareDatabaseAsync();
            environment.Server = await ChatApiProcess.StartAsync(Settings(environment._upstream, url));
            return environment;
        }
        catch
        {
            await environment.DisposeAsync();
            throw;
        }
    }

    private async Task<string?> PrepareDatabaseAsync()
    {
        if (_kind == DatabaseKind.Sqlite)
            return null;
        var postgres = await SharedPostgres.Value;
        var database = await postgres.CreateDatabaseAsync();
        if (_kind == DatabaseKind.Postgres)
            return postgres.Url(database);
        _pooler = await PgBouncer.StartAsync(postgres, _kind == DatabaseKind.PgBouncerSession ? PoolMode.Session : PoolMode.Transaction);
        return _pooler.Url(database);
    }
}
