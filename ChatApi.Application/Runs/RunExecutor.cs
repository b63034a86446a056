using System.Collections.Concurrent;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Sessions;
using ChatApi.Application.Telemetry;
using ChatApi.Domain;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Application.Runs;

/// <summary>
/// Executes runs: reads the model to the end and stores the reply, whether or not anybody watches. A process that is told to
/// stop takes no new runs, gives those under way time to finish, and stores what there is of the others.
/// </summary>
public sealed partial class RunExecutor(
    IChatClient model,
    RunSaver saver,
    SessionTitles titles,
    ITokenCounter tokens,
    TurnOptions options,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    ILogger<RunExecutor> logger) : IHostedLifecycleService
{
    /// <summary>As long as they may be stored.</summary>
    private const int MaxModelLength = 200;
    private const int MaxFinishReasonLength = 64;

    /// <summary>How much text, in UTF-16 units, is kept from viewers while more of it is ready to be read.</summary>
    private const int MostUnpublished = 4 * 1024;

    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan DrainLook = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentDictionary<Guid, ActiveRun> _active = new();
    private readonly ConcurrentQueue<Guid> _ended = new();
    private readonly ChatClientMetadata? _about = model.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata;
    private readonly ExecutionContext _own = ExecutionContext.Capture() ?? throw new InvalidOperationException("There is no context to run in.");
    private int _announced;
    private readonly ChatOptions _chatOptions = ToChatOptions(ReplySettings.None, options);

    /// <summary>The name of this process on the runs that it executes.</summary>
    internal Guid Owner { get; } = Guid.CreateVersion7();

    /// <summary>The runs under way here.</summary>
    internal ICollection<ActiveRun> Active => _active.Values;

    /// <summary>How many runs are about to be stored and started here.</summary>
    internal int Announced => Volatile.Read(ref _announced);

    /// <summary>The run, if this process executes it; null if not, or if it has ended.</summary>
    internal ActiveRun? Find(Guid runId) => _active.GetValueOrDefault(runId);

    /// <summary>The next run that has ended here and may have left something in the journal.</summary>
    internal bool TryTakeEnded(out Guid runId) => _ended.TryDequeue(out runId);

    /// <summary>Announces a run that is about to be stored and started: a process that stops waits for it. Dispose of it afterwards.</summary>
    /// <exception cref="UnavailableException"><c>shutting_down</c>.</exception>
    internal IDisposable Announce()
    {
        // Counted before the look: whoever stops either sees it, or is seen.
        var announcement = new Announcement(this);
        if (!lifetime.ApplicationStopping.IsCancellationRequested)
            return announcement;
        announcement.Dispose();
        throw new UnavailableException(ErrorCodes.ShuttingDown, "The service is restarting; please try again in a moment.")
        {
            RetryAfter = TimeSpan.FromSeconds(5),
        };
    }

    /// <summary>Begins a run that is stored already. It outlives the request that asked for it.</summary>
    internal void Start(ActiveRun run)
    {
        // At once, on this thread: to wake another one took a tenth of a turn's CPU. What belongs to the request (its culture, its HttpContext)
        // stays there; its trace is the run's by name.
        _active[run.Run.Id] = run;
        ExecutionContext.Run(_own, _ => _ = ExecuteAsync(run), null);
    }

    private async Task ExecuteAsync(ActiveRun run)
    {
        var started = time.GetTimestamp();
        using var activity = RunTelemetry.Start(run);
        LogStarted(run.Run.Id, run.Run.SessionId, run.Run.UserId);
        RunEvent? stored = null;
        try
        {
            await ReadReplyAsync(run);
            // To count tokens takes a while.
            if (!run.IsCounted)
                await PollingThread.LeaveAsync();
            Complete(run);
            stored = await saver.SaveAsync(run);
            run.IsStored = stored is not null;
        }
#pragma warning disable CA1031 // Viewers wait for an end, whatever went wrong; with its lease the run goes to whoever ends it from the journal.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogSaveFailed(exception, run.Run.Id);
        }

        // Whoever is told the end may ask again at once: by then nothing of this run is in the way.
        _active.TryRemove(run.Run.Id, out _);
        if (run.IsInJournal && stored is not null)
            _ended.Enqueue(run.Run.Id);
        run.Dispose();
        LogEnded(run.Run.Id, run.Run.SessionId, run.Run.UserId, run.Run.Status, time.GetElapsedTime(started).TotalMilliseconds, run.Reply.Usage?.TotalTokens ?? 0);
        RunTelemetry.End(activity, run, time.GetElapsedTime(started));
        run.Log.End(stored ?? RunEvents.Unstored(run.Run));
        if (run.IsUntitled && stored is RunEvent.Done && run.Run.Status == RunStatus.Completed)
            titles.Make(run.Run.UserId, run.Run.SessionId, run.Question.Content, run.Reply.Content);
    }

    /// <summary>Reads the model to the end. Whatever happens, the run and the reply then say how it ended.</summary>
    private async Task ReadReplyAsync(ActiveRun run)
    {
        var settings = run.Settings == ReplySettings.None ? _chatOptions : ToChatOptions(run.Settings, options);
        using var call = ModelCall.Start(run, _about, settings, time);
        try
        {
            await using var updates = model.GetStreamingResponseAsync(run.Context, settings, run.Cancellation).GetAsyncEnumerator(run.Cancellation);
            while (await MoveNextAsync(updates, run.Log))
            {
                var update = updates.Current;
                run.Reply.Model = ProviderText.Cut(update.ModelId, MaxModelLength) ?? run.Reply.Model;
                run.Reply.FinishReason = ProviderText.Cut(update.FinishReason?.Value, MaxFinishReasonLength) ?? run.Reply.FinishReason;
                var isCut = false;
                for (var index = 0; index < update.Contents.Count; index++)
                {
                    if (update.Contents[index] is TextContent text)
                    {
                        isCut = isCut || !Append(run.Log, text.Text);
                        call?.NoteText();
                    }
                    else if (update.Contents[index] is UsageContent counted)
                    {
                        (run.Usage ??= new()).Add(counted.Details); // Clients that ask several times for a reply count each.
                    }
                }

                if (isCut)
                {
                    (run.Run.Status, run.Reply.FinishReason) = (RunStatus.Stopped, ChatFinishReason.Length.Value);
                    break;
                }
            }

            if (run.Run.Status == RunStatus.Running)
                SetEnd(run, run.Reply.FinishReason is null ? ErrorCodes.UpstreamTruncated : null);
        }
        catch (OperationCanceledException) when (run.EndAs is not null)
        {
            SetEnd(run, null);
        }
        catch (CompletionException exception)
        {
            LogFailed(exception, run.Run.Id, exception.Code);
            run.RetryAfter = exception.RetryAfter;
            SetEnd(run, exception.Code);
        }
#pragma warning disable CA1031 // A model client that a team plugs in may throw anything; the run must end all the same.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // Its words are its own, and may be somebody's question: they are neither logged nor exported.
            LogFailedForeign(run.Run.Id, ErrorCodes.UpstreamError, exception.GetType().FullName ?? "");
            SetEnd(run, ErrorCodes.UpstreamError);
        }

        run.Log.Close();
    }

    /// <summary>Adds a piece to the text, as far as there is room for it.</summary>
    /// <returns>Whether there was.</returns>
    private static bool Append(RunLog log, string text)
    {
        var room = Validation.MaxReplyLength - log.Length;
        log.Append(text.Length <= room ? text : ProviderText.Cut(text, room)!);
        return text.Length <= room;
    }

    /// <summary>Fills in what is stored of the reply.</summary>
    private void Complete(ActiveRun run)
    {
        var (content, ends) = run.Log.Snapshot();
        run.Run.EndedAt = time.Now();
        run.Run.Pieces = ends.Length;
        run.Run.PieceLengths = PieceLengths.Encode(ends);
        run.Reply.Content = content;
        run.Reply.Status = run.Run.Status;
        run.Reply.Usage = run.IsCounted
            ? new((int)run.Usage!.InputTokenCount!, (int)run.Usage.OutputTokenCount!, false)
            : new(run.Context.Sum(message => tokens.Count(message.Text)), tokens.Count(content), true);
    }

    private static ChatOptions ToChatOptions(ReplySettings settings, TurnOptions options) => new()
    {
        ModelId = settings.Model,
        Temperature = (float)(settings.Temperature ?? options.Temperature),
        MaxOutputTokens = settings.MaxOutputTokens ?? options.MaxOutputTokens,
        TopP = (float?)settings.TopP,
        StopSequences = settings.Stop is { Count: > 0 } stop ? [.. stop] : null,
    };

    /// <summary>What has come together is shown together, but is never waited for.</summary>
    private static ValueTask<bool> MoveNextAsync(IAsyncEnumerator<ChatResponseUpdate> updates, RunLog log)
    {
        var next = updates.MoveNextAsync();
        if (!next.IsCompleted || log.Unpublished > MostUnpublished)
            log.Publish();
        return next;
    }

    private static void SetEnd(ActiveRun run, string? errorCode)
    {
        // "The loop ended" is not "the reply is complete": only the model's finish reason says so.
        run.Run.Status = (run.EndAs, errorCode) switch
        {
            ({ } endAs, _) => endAs,
            (_, null) => RunStatus.Completed,
            (_, ErrorCodes.UpstreamTruncated) => RunStatus.Interrupted,
            _ => RunStatus.Failed,
        };
        run.Run.ErrorCode = run.Run.Status switch
        {
            RunStatus.Stopped or RunStatus.Completed => null,
            RunStatus.Interrupted when run.EndAs is not null => ErrorCodes.Interrupted,
            _ => errorCode,
        };
        if (run.Run.Status == RunStatus.Stopped)
            run.Reply.FinishReason = RunEvent.Done.Stopped;
    }

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // Here, and not in StopAsync, because the web server still answers: viewers see their end, others a 503.
        var started = time.GetTimestamp();
        while ((Volatile.Read(ref _announced) > 0 || !_active.IsEmpty)
            && time.GetElapsedTime(started) < DrainTime && !cancellationToken.IsCancellationRequested)
            await Task.Delay(DrainLook, time, CancellationToken.None);
        var cut = Active;
        foreach (var run in cut)
            run.Cancel(RunStatus.Interrupted);
        await Task.WhenAll(cut.Select(run => run.Log.Terminal));
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private sealed class Announcement : IDisposable
    {
        private readonly RunExecutor _executor;

        public Announcement(RunExecutor executor)
        {
            _executor = executor;
            Interlocked.Increment(ref executor._announced);
        }

        public void Dispose() => Interlocked.Decrement(ref _executor._announced);
    }

    [LoggerMessage(LogLevel.Information, "Run {RunId} started in session {SessionId} for user {UserId}")]
    private partial void LogStarted(Guid runId, Guid sessionId, Guid userId);

    [LoggerMessage(LogLevel.Information, "Run {RunId} in session {SessionId} for user {UserId} ended as {Status} after {Milliseconds:F0} ms with {Tokens} tokens")]
    private partial void LogEnded(Guid runId, Guid sessionId, Guid userId, RunStatus status, double milliseconds, int tokens);

    [LoggerMessage(LogLevel.Warning, "Run {RunId} failed with {Code}")]
    private partial void LogFailed(Exception exception, Guid runId, string code);

    [LoggerMessage(LogLevel.Warning, "Run {RunId} failed with {Code}: {Exception}")]
    private partial void LogFailedForeign(Guid runId, string code, string exception);

    [LoggerMessage(LogLevel.Error, "Run {RunId} could not be stored")]
    private partial void LogSaveFailed(Exception exception, Guid runId);
}
