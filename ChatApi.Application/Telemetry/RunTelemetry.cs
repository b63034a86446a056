using System.Diagnostics;
using System.Diagnostics.Metrics;
using ChatApi.Application.Runs;
using ChatApi.Domain;

namespace ChatApi.Application.Telemetry;

/// <summary>What is traced and counted of runs: how they begin and end, and never a word of them.</summary>
internal static class RunTelemetry
{
    private const string Status = "chatapi.run.status";
    private const string Outcome = "chatapi.save.outcome";
    private const string Unstored = "unstored";

    private static readonly Counter<long> Started = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.runs.started", "{run}", "Runs that were started.");

    private static readonly Counter<long> Ended = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.runs.ended", "{run}", "Runs that ended, by how.");

    private static readonly Counter<long> Errors = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.run.errors", "{run}", "Runs that failed or were interrupted, by why.");

    private static readonly Counter<long> Resumed = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.runs.resumed", "{viewer}", "Viewers that came back to a run.");

    private static readonly Counter<long> StopRequests = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.runs.stop_requests", "{request}", "Requests to stop a run that was going on.");

    private static readonly Counter<long> Recovered = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.runs.recovered", "{run}", "Runs of processes that are gone, ended here as interrupted.");

    private static readonly Counter<long> Tokens = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.tokens", "{token}", "Tokens of stored replies and of titles, as limits count them.");

    private static readonly Histogram<double> Duration = ChatApiTelemetry.Meter.CreateHistogram(
        "chatapi.run.duration", "s", "From the start of a run until its end was stored.", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640],
        });

    private static readonly Histogram<double> SaveDuration = ChatApiTelemetry.Meter.CreateHistogram(
        "chatapi.run.save.duration", "s", "Storing the end of a run, with the waits for a database that is away.", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
        });

    /// <summary>Lets what is rare begin at zero: of a counter that begins at one, nobody sees that it has grown.</summary>
    public static void BeginAtZero()
    {
        foreach (var status in new[] { "completed", "stopped", "failed", "interrupted", Unstored })
            Ended.Add(0, new KeyValuePair<string, object?>(Status, status));
        foreach (var counter in new[] { Started, Resumed, StopRequests, Recovered })
            counter.Add(0);
    }

    /// <summary>Begins the span of a run, in the trace of the request that asked for it. Null where nobody traces it.</summary>
    public static Activity? Start(ActiveRun run)
    {
        Started.Add(1);
        return StartUnder("chatapi.run", run.Trace)?
            .SetTag("chatapi.run.id", run.Run.Id.ToString())
            .SetTag("gen_ai.conversation.id", run.Run.SessionId.ToString());
    }

    /// <summary>Begins the span of making a title, in the trace of the run that it comes after. Null where nobody traces it.</summary>
    public static Activity? StartTitle(ActivityContext trace, Guid sessionId) =>
        StartUnder("chatapi.title", trace)?.SetTag("gen_ai.conversation.id", sessionId.ToString());

    /// <summary>Counts what somebody pays for.</summary>
    public static void NoteTokens(TokenUsage usage)
    {
        if (!Tokens.Enabled)
            return;
        Count(usage.PromptTokens, "input", usage.Estimated);
        Count(usage.CompletionTokens, "output", usage.Estimated);
    }

    /// <summary>Counts the end of a run, and notes it on its span.</summary>
    public static void End(Activity? activity, ActiveRun run, TimeSpan elapsed)
    {
        // What could not be stored is ended from the journal, by whoever finds it.
        var status = run.IsStored ? NameOf(run.Run.Status) : Unstored;
        Ended.Add(1, new KeyValuePair<string, object?>(Status, status));
        if (run.Run.ErrorCode is { } error)
            Errors.Add(1, new KeyValuePair<string, object?>("error.type", error));
        Duration.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>(Status, status));
        if (run is { IsStored: true, IsKept: true, Reply.Usage: { } usage })
            NoteTokens(usage);

        if (activity is null)
            return;
        activity.SetTag(Status, status);
        SetError(activity, run.IsStored ? run.Run.ErrorCode : status);
    }

    /// <summary>Begins the span of storing a run's end.</summary>
    public static Activity? StartSave() => ChatApiTelemetry.Source.StartActivity("chatapi.run.save");

    /// <summary>Notes what became of it.</summary>
    public static void EndSave(Activity? activity, bool isStored, TimeSpan elapsed)
    {
        var outcome = isStored ? "stored" : Unstored;
        SaveDuration.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>(Outcome, outcome));
        if (activity is null)
            return;
        activity.SetTag(Outcome, outcome);
        SetError(activity, isStored ? null : outcome);
    }

    /// <summary>Notes that somebody came back to a run.</summary>
    public static void NoteResumed() => Resumed.Add(1);

    /// <summary>Notes that somebody asked for a run to stop.</summary>
    public static void NoteStopRequest() => StopRequests.Add(1);

    /// <summary>Notes that the run of a process that is gone was ended here.</summary>
    public static void NoteRecovered() => Recovered.Add(1);

    /// <summary>Marks a span as failed; the code alone says why.</summary>
    internal static void SetError(Activity activity, string? error)
    {
        if (error is not null)
            activity.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error);
    }

    /// <summary>A trace that is not sampled is carried on all the same: what is called under it would begin one of its own.</summary>
    private static Activity? StartUnder(string name, ActivityContext trace) =>
        ChatApiTelemetry.Source.StartActivity(name, ActivityKind.Internal, trace)
        ?? (trace == default ? null : new Activity(name).SetParentId(trace.TraceId, trace.SpanId).Start());

    private static void Count(int tokens, string type, bool isEstimated) =>
        Tokens.Add(tokens, new("gen_ai.token.type", type), new("chatapi.tokens.estimated", isEstimated));

    private static string NameOf(RunStatus status) => status switch
    {
        RunStatus.Completed => "completed",
        RunStatus.Stopped => "stopped",
        RunStatus.Failed => "failed",
        RunStatus.Interrupted => "interrupted",
        _ => "running",
    };
}
