using System.Diagnostics;
using System.Diagnostics.Metrics;
using ChatApi.Application.Runs;
using Microsoft.Extensions.AI;

namespace ChatApi.Application.Telemetry;

/// <summary>How a call of the model went.</summary>
/// <param name="Error">Why it failed; null if it did not.</param>
/// <param name="Model">The model, as it names itself.</param>
/// <param name="FinishReason">The model's word; null where it gave none.</param>
/// <param name="Usage">What the model says that it cost.</param>
internal readonly record struct ModelCallEnd(string? Error, string? Model, string? FinishReason, UsageDetails? Usage);

/// <summary>
/// One call of the model, with all its tries, by OpenTelemetry's conventions for generative AI: which model, how long, how many tokens,
/// why it ended. What was said is nowhere in it, and no switch puts it there (docs/decisions/0012).
/// </summary>
internal sealed class ModelCall : IDisposable
{
    private const string Operation = "gen_ai.operation.name";
    private const string Provider = "gen_ai.provider.name";
    private const string RequestModel = "gen_ai.request.model";
    private const string ResponseModel = "gen_ai.response.model";
    private const string Chat = "chat";

    /// <summary>The boundaries that the conventions ask for.</summary>
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
    };

    private static readonly Histogram<double> Duration = ChatApiTelemetry.Meter.CreateHistogram(
        "gen_ai.client.operation.duration", "s", "From asking the model until its reply has ended.", advice: Seconds);

    private static readonly Histogram<double> TimeToFirstChunk = ChatApiTelemetry.Meter.CreateHistogram(
        "gen_ai.client.operation.time_to_first_chunk", "s", "From asking the model until the first text of its reply.", advice: Seconds);

    private static readonly Histogram<long> TokenUsage = ChatApiTelemetry.Meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Tokens of a prompt and of a reply, where the model counts them.", advice: new InstrumentAdvice<long>
        {
            HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
        });

    private readonly Func<ModelCallEnd> _end;
    private readonly TimeProvider _time;
    private readonly string _provider;
    private readonly string? _model;
    private readonly Activity? _activity;
    private readonly long _started;
    private long _firstText;

    private ModelCall(Guid sessionId, ChatClientMetadata? about, ChatOptions options, Func<ModelCallEnd> end, TimeProvider time)
    {
        (_end, _time, _started) = (end, time, time.GetTimestamp());
        _provider = about?.ProviderName ?? "_OTHER";
        _model = options.ModelId ?? about?.DefaultModelId;
        _activity = ChatApiTelemetry.Source.StartActivity(
            ActivityKind.Client, name: _model is null ? Chat : $"{Chat} {_model}", tags: Tags(null));

        // Not the words at which it is to stop: those are somebody's.
        _activity?
            .SetTag("gen_ai.conversation.id", sessionId.ToString())
            .SetTag("gen_ai.request.stream", true)
            .SetTag("gen_ai.request.temperature", Rounded(options.Temperature))
            .SetTag("gen_ai.request.top_p", Rounded(options.TopP))
            .SetTag("gen_ai.request.max_tokens", options.MaxOutputTokens);
    }

    /// <summary>Begins a run's call; null where nobody wants to know of it.</summary>
    public static ModelCall? Start(ActiveRun run, ChatClientMetadata? about, ChatOptions options, TimeProvider time) =>
        IsWanted ? new(run.Run.SessionId, about, options, () => EndOf(run), time) : null;

    /// <summary>Begins a call for a conversation, whose end is asked for when it is disposed of; null where nobody wants to know of it.</summary>
    public static ModelCall? Start(Guid sessionId, ChatClientMetadata? about, ChatOptions options, Func<ModelCallEnd> end, TimeProvider time) =>
        IsWanted ? new(sessionId, about, options, end, time) : null;

    /// <summary>Notes that there is text.</summary>
    public void NoteText()
    {
        if (_firstText == 0)
            _firstText = _time.GetTimestamp();
    }

    /// <summary>Ends the call; by now it is known how.</summary>
    public void Dispose()
    {
        var end = _end();

        // Before it has answered, the reply has the name of the model that was asked.
        if (_firstText == 0 && end.Usage is null)
            end = end with { Model = null };
        var tags = Tags(end.Model);
        TimeSpan? untilText = _firstText == 0 ? null : _time.GetElapsedTime(_started, _firstText);
        if (untilText is { } wait)
            TimeToFirstChunk.Record(wait.TotalSeconds, tags);
        Count(end.Usage?.InputTokenCount, "input", tags);
        Count(end.Usage?.OutputTokenCount, "output", tags);
        if (end.Error is not null)
            tags.Add("error.type", end.Error);
        Duration.Record(_time.GetElapsedTime(_started).TotalSeconds, tags);
        if (_activity is null)
            return;
        Note(_activity, end, untilText);
        RunTelemetry.SetError(_activity, end.Error);
        _activity.Dispose();
    }

    private static bool IsWanted => ChatApiTelemetry.IsTracing || Duration.Enabled;

    /// <summary>A reply that was stopped has no reason of the model's.</summary>
    private static ModelCallEnd EndOf(ActiveRun run) => new(
        run.Run.ErrorCode, run.Reply.Model, run.Reply.FinishReason is RunEvent.Done.Stopped ? null : run.Reply.FinishReason, run.Usage);

    private static void Note(Activity activity, ModelCallEnd end, TimeSpan? untilText)
    {
        activity
            .SetTag(ResponseModel, end.Model)
            .SetTag("gen_ai.response.time_to_first_chunk", untilText?.TotalSeconds)
            .SetTag("gen_ai.usage.input_tokens", end.Usage?.InputTokenCount)
            .SetTag("gen_ai.usage.output_tokens", end.Usage?.OutputTokenCount)
            .SetTag("gen_ai.usage.cache_read.input_tokens", end.Usage?.CachedInputTokenCount)
            .SetTag("gen_ai.usage.reasoning.output_tokens", end.Usage?.ReasoningTokenCount);
        if (end.FinishReason is not null)
            activity.SetTag("gen_ai.response.finish_reasons", new[] { end.FinishReason });
    }

    private static double? Rounded(float? value) => value is { } number ? Math.Round((double)number, 4) : null;

    private static void Count(long? tokens, string type, TagList tags)
    {
        if (tokens is not { } count)
            return;
        tags.Add("gen_ai.token.type", type);
        TokenUsage.Record(count, tags);
    }

    private TagList Tags(string? responseModel)
    {
        var tags = new TagList { { Operation, Chat }, { Provider, _provider } };
        if (_model is not null)
            tags.Add(RequestModel, _model);
        if (responseModel is not null)
            tags.Add(ResponseModel, responseModel);
        return tags;
    }
}
