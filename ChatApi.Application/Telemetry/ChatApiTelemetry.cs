using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ChatApi.Application.Telemetry;

/// <summary>
/// Where traces and metrics of ours come from. They are the runtime's own types: who wants them listens by the name, and while nobody
/// does they cost a look whether somebody does. <c>docs/telemetry.md</c> has all names.
/// </summary>
public static class ChatApiTelemetry
{
    /// <summary>The name of the source of activities and of the meter.</summary>
    public const string Name = "ChatApi";

    /// <summary>Which version of ChatApi it is.</summary>
    public static string Version { get; } = typeof(ChatApiTelemetry).Assembly.GetName().Version!.ToString(3);

    /// <summary>Whether traces are exported.</summary>
    public static bool IsTracing => Source.HasListeners();

    internal static ActivitySource Source { get; } = new(Name, Version);

    internal static Meter Meter { get; } = new(Name, Version);

    /// <summary>Where a trace goes on that is about to leave the request it belongs to; the default where there is none.</summary>
    internal static ActivityContext Here => IsTracing && Activity.Current is { } activity ? activity.Context : default;
}
