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

        <what>: W1 W2 W3f W3x W4 W5, start, all, or smoke

        dotnet run -c Release --project bench/ChatApi.Bench -- soak [storage] [minutes] [seconds between faults] [users] [seed]

          --rounds <n>               each server n times, in turn (4)
          --database <kind>          postgres (default) or sqlite; yardsticks always have PostgreSQL
          --with "<NAME=value> …"    also measures ChatApi with these settings; can be given again
          --baseline <directory>     also measures the ChatApi that was published there earlier
          --program <directory>      measures the ChatApi that was published there, instead of publishing it first
        """;

    /// <summary>What is run, one after the other.</summary>
    public required IReadOnlyList<Workload> Workloads { get; init; }

    /// <summary>Only whether all is right counts, not how fast it is.</summary>
    public bool IsSmoke { get; init; }

    /// <summary>Whether starts are measured, too.</summary>
    public bool StartsUp { get; init; }

    /// <summary>How often each server is measured.</summary>
    public int Rounds { get; init; } = 4;

    public BenchDatabase Database { get; init; } = BenchDatabase.Postgres;

    /// <summary>Settings with which ChatApi is measured once more, as <c>NAME=value NAME=value</c>.</summary>
    public IReadOnlyList<string> Variants { get; init; } = [];

    /// <summary>An earlier ChatApi, published.</summary>
    public string? Baseline { get; init; }

    /// <summary>The ChatApi, published; null: it is to be published first.</summary>
    public string? Program { get; init; }

    /// <summary>Null where the command line cannot be understood.</summary>
    public static BenchOptions? Parse(string[] arguments)
    {
        if (arguments.Length % 2 == 0)
            return null;
        var startsUp = arguments[0] is "start" or "all";
        var workloads = Find(arguments[0]);
        if (workloads.Count == 0 && !startsUp)
            return null;
        var options = new BenchOptions { Workloads = workloads, IsSmoke = arguments[0] == "smoke", StartsUp = startsUp };
        if (options.IsSmoke)
            options = options with { Rounds = 1 };
        foreach (var pair in arguments.Skip(1).Chunk(2))
        {
            if (options.With(pair[0], pair[1]) is not { } more)
                return null;
            options = more;
        }

        return options;
    }

    private static IReadOnlyList<Workload> Find(string name) => name switch
    {
        "all" => Workload.All,
        "smoke" => Workload.Smoke,
        _ => [.. Workload.All.Where(workload => workload.Name == name)],
    };

    private BenchOptions? With(string option, string value) => option switch
    {
        "--rounds" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) && rounds > 0 =>
            this with { Rounds = rounds },
        "--database" when Enum.TryParse<BenchDatabase>(value, ignoreCase: true, out var database) => this with { Database = database },
        "--with" when value.Contains('=', StringComparison.Ordinal) => this with { Variants = [.. Variants, value] },
        "--baseline" => this with { Baseline = Path.GetFullPath(value) },
        "--program" => this with { Program = Path.GetFullPath(value) },
        _ => null,
    };
}
