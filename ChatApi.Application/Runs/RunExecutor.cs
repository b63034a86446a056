using System.Collections.Concurrent;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
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
    IChatDbContextFactory contexts,
    ITurnStore turns,
    ITokenCounter tokens,
    TurnOptions options,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    ILogger<RunExecutor> logger) : IHostedLifecycleService
{
    /// <summary>No model's longest reply comes near it; what goes on for ever is cut here.</summary>
    private const int MaxReplyLength = 1_000_000;

    /// <summary>How much text, in UTF-16 units, is kept from viewers while more of it is ready to be read.</summary>
    private const int MostUnpublished = 4 * 1024;

    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan DrainLook = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestSave = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestSaveOfUnknown = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestSaveAtShutdown = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<Guid, ActiveRun> _active = new();
    private readonly ConcurrentQueue<Guid> _ended = new();
    private int _announced;
    private readonly ChatOptions _chatOptions = new()
    {
        Temperature = (float)options.Temperature,
        MaxOutputTokens = options.MaxOutputTokens,
    };

    /// <summary>The name of this process on the runs that it executes.</summary>
    internal Guid Owner { get; } = Guid.CreateVersion7();

    /// <summary>The model that replies, where it says so beforehand.</summary>
    internal string? DefaultModel { get; } = (model.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId;

    /// <summary>The runs under way here.</summary>
    internal ICollection<ActiveRun> Active => _active.Values;

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
        // What belongs to the request (its culture, its trace, its HttpContext) stays there.
        _active[run.Run.Id] = run;
        using (ExecutionContext.SuppressFlow())
            _ = Task.Run(() => ExecuteAsync(run));
    }

    private async Task ExecuteAsync(ActiveRun run)
    {
        var started = time.GetTimestamp();
        LogStarted(run.Run.Id, run.Run.SessionId, run.Run.UserId);
        RunEvent? stored = null;
        try
        {
            await ReadReplyAsync(run);
            await PollingThread.LeaveAsync();
            Complete(run);
            stored = await SaveAsync(run);
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
        LogEnded(run.Run.Id, run.Run.Status, time.GetElapsedTime(started).TotalMilliseconds, run.Reply.Usage?.TotalTokens ?? 0);
        run.Log.End(stored ?? RunEvents.Unstored(run.Run));
    }

    /// <summary>Reads the model to the end. Whatever happens, the run and the reply then say how it ended.</summary>
    private async Task ReadReplyAsync(ActiveRun run)
    {
        try
        {
            await using var updates = model.GetStreamingResponseAsync(run.Context, _chatOptions, run.Cancellation).GetAsyncEnumerator(run.Cancellation);
            while (await MoveNextAsync(updates, run.Log))
            {
                var update = updates.Current;
                run.Reply.Model = update.ModelId ?? run.Reply.Model;
                run.Reply.FinishReason = update.FinishReason?.Value ?? run.Reply.FinishReason;
                for (var index = 0; index < update.Contents.Count; index++)
                {
                    if (update.Contents[index] is TextContent text)
                        run.Log.Append(text.Text);
                    else if (update.Contents[index] is UsageContent counted)
                        run.Usage = counted.Details;
                }

                if (run.Log.Length > MaxReplyLength)
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
            LogFailed(exception, run.Run.Id, ErrorCodes.UpstreamError);
            SetEnd(run, ErrorCodes.UpstreamError);
        }

        run.Log.Close();
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
        run.Reply.Usage = run.Usage is { InputTokenCount: { } input, OutputTokenCount: { } output }
            ? new((int)input, (int)output, false)
            : new(run.Context.Sum(message => tokens.Count(message.Text)), tokens.Count(content), true);
    }

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
            run.Reply.FinishReason = RunEvents.StoppedReason;
    }

    /// <summary>
    /// Stores the end and says what viewers are told; null if it is to be ended from the journal. A database that is away is waited
    /// for: the reply was paid for. What nobody knows of may pass, too, but is not waited for as long.
    /// </summary>
    private async Task<RunEvent?> SaveAsync(ActiveRun run)
    {
        var started = time.GetTimestamp();
        var isOvertaken = false;
        for (var delay = TimeSpan.FromMilliseconds(100); ; delay = delay < TimeSpan.FromSeconds(2) ? delay * 2 : delay)
        {
            try
            {
                if (isOvertaken)
                    return await StoredEndAsync(run);
                // A reply that failed before it said anything is none.
                await turns.EndAsync(
                    run.Run, run.Reply, isKept: run.Reply.Content.Length > 0 || run.Run.Status is not (RunStatus.Failed or RunStatus.Interrupted));
                return RunEvents.Terminal(run.Run, run.Reply);
            }
            catch (DbUpdateConcurrencyException) when (!isOvertaken)
            {
                // The session was deleted, another process ended the run, or this very save did before its answer was lost.
                LogOvertaken(run.Run.Id);
                isOvertaken = true;
            }
            catch (Exception exception) when (time.GetElapsedTime(started) < LongestSaveOf(run, exception))
            {
                LogSaveDelayed(exception, run.Run.Id);
                await Task.Delay(delay, time, CancellationToken.None);
            }
        }
    }

    private TimeSpan LongestSaveOf(ActiveRun run, Exception exception) =>
        run.EndAs == RunStatus.Interrupted ? LongestSaveAtShutdown
        : contexts.Explain(exception) is null ? LongestSaveOfUnknown
        : LongestSave;

    private async Task<RunEvent?> StoredEndAsync(ActiveRun run)
    {
        await using var db = contexts.Create();
        var stored = await db.Runs.SingleOrDefaultAsync(row => row.Id == run.Run.Id);
        if (stored is null)
            return RunEvents.Deleted(run.Run);
        if (stored.Status == RunStatus.Running)
            return null;
        return RunEvents.Terminal(stored, await db.Messages.SingleOrDefaultAsync(row => row.Id == run.Run.MessageId));
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

    [LoggerMessage(LogLevel.Information, "Run {RunId} ended as {Status} after {Milliseconds:F0} ms with {Tokens} tokens")]
    private partial void LogEnded(Guid runId, RunStatus status, double milliseconds, int tokens);

    [LoggerMessage(LogLevel.Warning, "Run {RunId} failed with {Code}")]
    private partial void LogFailed(Exception exception, Guid runId, string code);

    [LoggerMessage(LogLevel.Warning, "Run {RunId} waits for the database to store its reply")]
    private partial void LogSaveDelayed(Exception exception, Guid runId);

    [LoggerMessage(LogLevel.Warning, "Run {RunId} was ended by somebody else before it was stored")]
    private partial void LogOvertaken(Guid runId);

    [LoggerMessage(LogLevel.Error, "Run {RunId} could not be stored")]
    private partial void LogSaveFailed(Exception exception, Guid runId);
}
