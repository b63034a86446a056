using System.Globalization;
using ChatApi.Bench.Load;

namespace ChatApi.Bench.Running;

/// <summary>Where ChatApi keeps its data.</summary>
internal enum BenchDatabase
{
    Postgres,
    Sqlite,
}

/// <summary>What is to be measured.</summary>
internal sealed record BenchOptions
{
    public const string Usage =
        """
        dotnet run -c Release --project bench/ChatApi.Bench -- <what> [options]

        <what>: W1 W2 W3f W3x W4 W5, all of them with `all`, or one of

          curve      from 1 to 5,000 streams: cost of a piece, memory, lateness; draws them
          lengths    a turn in sessions of 10, 1,000 and 100,000 messages
          replicas   1, 2 and 3 processes on one PostgreSQL, asked in turn
          search     lists and searches of one user with 10,000 sessions and 1,000,000 messages
          start      until a process is ready, and what it takes when idle, on SQLite
          smoke      W1…W5 in small, and only whether every byte is right

        dotnet run -c Release --project bench/ChatApi.Bench -- soak [storage] [minutes] [seconds between faults] [users] [seed]

          --rounds <n>               each server n times, in turn (4; curve: 2)
          --database <kind>          postgres (default) or sqlite; yardsticks always have PostgreSQL
          --redis                    also measures ChatApi with PostgreSQL and Redis
          --with "<NAME=value> …"    also measures ChatApi with these settings; can be given again
          --baseline <directory>     also measures the ChatApi that was published there earlier; can be given again
          --program <directory>      measures the ChatApi that was published there, instead of publishing it first
          --svg <file>               where curve draws (artifacts/bench/curve.svg)
          --smoke                    curve, lengths, replicas, search: in small, and only whether every byte is right
        """;

    private static readonly string[] Commands = ["all", "smoke", "curve", "lengths", "replicas", "search", "start"];

    /// <summary>The command: the name of a workload, or one of the others.</summary>
    public required string What { get; init; }

    /// <summary>Only whether all is right counts, not how fast it is.</summary>
    public bool IsSmoke { get; init; }

    /// <summary>How often each server is measured.</summary>
    public int Rounds { get; init; } = 4;

    public BenchDatabase Database { get; init; } = BenchDatabase.Postgres;

    /// <summary>Whether ChatApi is measured once more, with Redis beside its database.</summary>
    public bool HasRedis { get; init; }

    /// <summary>Settings with which ChatApi is measured once more, as <c>NAME=value NAME=value</c>.</summary>
    public IReadOnlyList<string> Variants { get; init; } = [];

    /// <summary>Earlier ones of ChatApi, published.</summary>
    public IReadOnlyList<string> Baselines { get; init; } = [];

    /// <summary>The ChatApi, published; null: it is to be published first.</summary>
    public string? Program { get; init; }

    /// <summary>Where the curve is drawn; null: among the artifacts.</summary>
    public string? Svg { get; init; }

    /// <summary>What is run, one after the other; none for the other commands.</summary>
    public IReadOnlyList<Workload> Workloads => What switch
    {
        "all" => Workload.All,
        "smoke" => Workload.Smoke,
        _ => [.. Workload.All.Where(workload => workload.Name == What)],
    };

    /// <summary>Null where the command line cannot be understood.</summary>
    public static BenchOptions? Parse(string[] arguments)
    {
        if (arguments is not [var what, ..] || !(Commands.Contains(what) || Workload.All.Any(workload => workload.Name == what)))
            return null;
        var options = new BenchOptions { What = what, IsSmoke = what == "smoke", Rounds = what == "curve" ? 2 : 4 };
        var words = new Queue<string>(arguments.Skip(1));
        while (words.TryDequeue(out var option))
        {
            if (options.With(option, words) is not { } more)
                return null;
            options = more;
        }

        return options.IsSmoke ? options with { Rounds = 1 } : options;
    }

    private BenchOptions? With(string option, Queue<string> words) => option switch
    {
        "--redis" => this with { HasRedis = true },
        "--smoke" => this with { IsSmoke = true },
        _ => words.TryDequeue(out var value) ? With(option, value) : null,
    };

    private BenchOptions? With(string option, string value) => option switch
    {
        "--rounds" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) && rounds > 0 =>
            this with { Rounds = rounds },
        "--database" when Enum.TryParse<BenchDatabase>(value, ignoreCase: true, out var database) => this with { Database = database },
        "--with" when value.Contains('=', StringComparison.Ordinal) => this with { Variants = [.. Variants, value] },
        "--baseline" => this with { Baselines = [.. Baselines, Path.GetFullPath(value)] },
        "--program" => this with { Program = Path.GetFullPath(value) },
        "--svg" => this with { Svg = Path.GetFullPath(value) },
        _ => null,
    };
}
