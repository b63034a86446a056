using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.Telemetry;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Runs;

/// <summary>Starts runs, waits for them, and stops them.</summary>
public sealed class RunService(
    IChatDbContextFactory contexts,
    RunStarter starter,
    RunExecutor executor,
    RunWatcher watcher,
    IRunJournal journal,
    IRunSignals signals,
    SettingsRules rules,
    TimeProvider time)
{
    private static readonly SendMessageRequestValidator Validator = new();
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StopPoll = TimeSpan.FromMilliseconds(200);

    /// <summary>Stores the question and starts making the reply. All that can be refused is refused here.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="sessionId">The conversation.</param>
    /// <param name="request">The question.</param>
    /// <param name="key">The request's <c>Idempotency-Key</c>, if it has one: its repetition leads to the same run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What the viewers see, from the beginning.</returns>
    /// <exception cref="InvalidRequestException"><c>content_required</c>, <c>content_too_long</c>, <c>context_too_long</c>.</exception>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="ConflictException"><c>run_in_progress</c>.</exception>
    /// <exception cref="KeyReusedException">Another request had the same key.</exception>
    /// <exception cref="RateLimitedException">The user asks too much, has too many replies in the making, or has used up the day's tokens.</exception>
    /// <exception cref="UnavailableException"><c>shutting_down</c>.</exception>
    public async Task<RunView> StartAsync(
        Caller caller, Guid sessionId, SendMessageRequest request, string? key, CancellationToken cancellationToken)
    {
        var started = await AskAsync(new("stream", caller, sessionId, request.Content, key), request, cancellationToken);
        return watcher.View(started);
    }

    /// <summary>Asks anew in the place of another question, and starts making the reply.</summary>
    /// <inheritdoc cref="StartAsync(Caller, Guid, SendMessageRequest, string, CancellationToken)" path="/*"/>
    public async Task<RunView> EditAsync(
        Caller caller, Guid sessionId, EditMessageRequest request, string? key, CancellationToken cancellationToken)
    {
        var turn = new Turn("edit", caller, sessionId, request.Content, key) { Anew = new(ParseId(request.MessageId)) };
        var started = await AskAsync(turn, request, cancellationToken);
        return watcher.View(started);
    }

    /// <summary>Starts making a reply anew.</summary>
    /// <inheritdoc cref="StartAsync(Caller, Guid, SendMessageRequest, string, CancellationToken)" path="/*"/>
    /// <exception cref="ConflictException"><c>no_question</c>: there is none to answer.</exception>
    public async Task<RunView> RegenerateAsync(
        Caller caller, Guid sessionId, RegenerateRequest request, string? key, CancellationToken cancellationToken)
    {
        rules.Check(request);
        var turn = new Turn("regenerate", caller, sessionId, null, key)
        {
            Anew = new(request.MessageId is null ? null : ParseId(request.MessageId)),
            Settings = request.ToSettings(),
        };
        var started = await starter.StartAsync(turn, cancellationToken);
        return watcher.View(started);
    }

    /// <summary>Asks anew in the place of another question, and waits for the whole reply.</summary>
    /// <inheritdoc cref="CompleteAsync" path="/*"/>
    public async Task<WholeReply> EditWholeAsync(
        Caller caller, Guid messageId, ReplaceMessageRequest request, string? key, CancellationToken cancellationToken)
    {
        Guid? sessionId;
        await using (var db = contexts.Create())
            sessionId = await db.Messages
                .Where(message => message.Id == messageId && message.UserId == caller.UserId)
                .Select(message => (Guid?)message.SessionId)
                .SingleOrDefaultAsync(CancellationToken.None);
        var turn = new Turn("replace", caller, sessionId ?? throw new NotFoundException(), request.Content, key) { Anew = new(messageId) };
        return await ReplyAsync(await AskAsync(turn, request, CancellationToken.None), cancellationToken);
    }

    /// <summary>Asks, and waits for the whole reply. A client that leaves ends the wait, and nothing else.</summary>
    /// <inheritdoc cref="StartAsync(Caller, Guid, SendMessageRequest, string, CancellationToken)" path="/param"/>
    /// <inheritdoc cref="StartAsync(Caller, Guid, SendMessageRequest, string, CancellationToken)" path="/exception"/>
    /// <exception cref="CompletionException">The model failed; the question stays stored.</exception>
    public async Task<WholeReply> CompleteAsync(
        Caller caller, Guid sessionId, CreateMessageRequest request, string? key, CancellationToken cancellationToken)
    {
        var started = await AskAsync(new("message", caller, sessionId, request.Content, key), request, CancellationToken.None);
        return await ReplyAsync(started, cancellationToken);
    }

    /// <summary>Asks, in a new conversation if none is named, and waits for the whole reply.</summary>
    /// <inheritdoc cref="CompleteAsync" path="/param"/>
    /// <inheritdoc cref="CompleteAsync" path="/exception"/>
    public async Task<WholeReply> ChatAsync(Caller caller, ChatRequest request, string? key, CancellationToken cancellationToken)
    {
        var sessionId = request.SessionId switch
        {
            null => (Guid?)null,
            var text => ParseId(text),
        };
        var started = await AskAsync(new("chat", caller, sessionId, request.Content, key), request, CancellationToken.None);
        return await ReplyAsync(started, cancellationToken);
    }

    /// <summary>One run, for those who poll.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<RunResponse> GetAsync(Guid userId, Guid runId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var run = await (
            from row in db.Runs
            join session in db.Sessions on row.SessionId equals session.Id
            where row.Id == runId && row.UserId == userId
            select row).SingleOrDefaultAsync(cancellationToken)
            ?? throw new NotFoundException();
        var reply = await db.Messages.SingleOrDefaultAsync(row => row.Id == run.MessageId, cancellationToken);
        var (content, seq) = (reply?.Content ?? "", run.Pieces);
        if (run.Status == RunStatus.Running)
        {
            var (text, ends) = await SoFarAsync(runId, cancellationToken);
            (content, seq) = (text, ends.Length);
        }

        return new(
            run.Id, run.SessionId, run.UserMessageId, run.MessageId, run.Status, content, seq, run.ErrorCode,
            reply?.FinishReason, reply?.Model, reply?.Usage,
            new(run.ContextMessageIds, run.ContextTokens ?? reply?.Usage?.PromptTokens, run.ContextTrimmed), run.CreatedAt, run.EndedAt);
    }

    /// <summary>Stops a run wherever it is executed, and waits until it has ended. To stop what has ended changes nothing.</summary>
    /// <exception cref="NotFoundException">There is no such run of this user's.</exception>
    public async Task<RunResponse> StopAsync(Guid userId, Guid sessionId, string? runId, CancellationToken cancellationToken)
    {
        var run = await FindAsync(userId, sessionId, runId, cancellationToken);
        if (run.Status == RunStatus.Running)
        {
            RunTelemetry.NoteStopRequest();
            await RequestStopAsync(run.Id, cancellationToken);
            signals.RequestStop(run.Id);
            if (executor.Find(run.Id) is { } active)
            {
                active.Cancel(RunStatus.Stopped);
                await Task.WhenAny(active.Log.Terminal, Task.Delay(LongestStop, time, cancellationToken));
            }
            else
            {
                await AwaitEndElsewhereAsync(userId, run.Id, cancellationToken);
            }
        }

        return await GetAsync(userId, run.Id, cancellationToken);
    }

    /// <summary>
    /// Stops what is made here for a session that is gone, without waiting for its end. Not before: it would end as one that was stopped. Another
    /// process sees within a second that the row is gone.
    /// </summary>
    internal void Abandon(Guid sessionId)
    {
        foreach (var run in executor.Active.Where(run => run.Run.SessionId == sessionId))
            run.Cancel(RunStatus.Stopped);
    }

    /// <summary>Stops the session's run, wherever it is made, without waiting for its end; what it has said so far is stored.</summary>
    internal async Task StopActiveAsync(IChatDbContext db, Guid sessionId)
    {
        if (await RunStarter.ActiveRunAsync(db, sessionId, CancellationToken.None) is not { } runId)
            return;
        await RequestStopAsync(runId, CancellationToken.None);
        signals.RequestStop(runId);
        executor.Find(runId)?.Cancel(RunStatus.Stopped);
    }

    /// <summary>Stops all of a user's runs, wherever they are made, without waiting for their end: their rows are about to go.</summary>
    /// <returns>The runs.</returns>
    internal async Task<IReadOnlyCollection<Guid>> AbandonAllAsync(IChatDbContext db, Guid userId)
    {
        var runIds = await db.Runs
            .Where(run => run.UserId == userId && run.Status == RunStatus.Running).Select(run => run.Id).ToListAsync();
        foreach (var runId in runIds)
        {
            signals.RequestStop(runId);
            executor.Find(runId)?.Cancel(RunStatus.Stopped);
        }

        return runIds;
    }

    private Task<StartedRun> AskAsync(Turn turn, SettingsRequest request, CancellationToken cancellationToken)
    {
        Validator.Check(new(turn.Content));
        rules.Check(request);
        return starter.StartAsync(turn with { Settings = request.ToSettings(), Metadata = request.MetadataText() }, cancellationToken);
    }

    private static Guid ParseId(string? text) => Guid.TryParse(text, out var id) ? id : throw new NotFoundException();

    private async Task<WholeReply> ReplyAsync(StartedRun started, CancellationToken cancellationToken)
    {
        RunEvent? end = null;
        if (started.Active is { } active)
            end = await active.Log.Terminal.WaitAsync(cancellationToken);
        else
            await foreach (var item in watcher.FromStart(started.Run).WithCancellation(cancellationToken))
                end = item;
        switch (end)
        {
            case RunEvent.Done when started.Active is { Question.HasSiblings: false, Reply.HasSiblings: false } run:
                return new(new(MessageResponse.From(run.Question), MessageResponse.From(run.Reply)), started.IsReplay);
            case RunEvent.Done:
                return new(await StoredTurnAsync(started.Run), started.IsReplay);
            case RunEvent.Failed { Code: ErrorCodes.NotFound }:
                throw new NotFoundException();
            case RunEvent.Failed failed when failed.Code != ErrorCodes.Interrupted:
                throw new CompletionException(failed.Code, failed.Error, failed.Retryable) { RetryAfter = started.Active?.RetryAfter };
            default:
                var (sentence, _) = RunErrors.Explain(ErrorCodes.Interrupted);
                throw new UnavailableException(ErrorCodes.Interrupted, sentence) { RetryAfter = TimeSpan.FromSeconds(5) };
        }
    }

    private async Task<TurnResponse> StoredTurnAsync(Run run)
    {
        await using var db = contexts.Create();
        var messages = await db.Messages
            .Where(message => message.Id == run.UserMessageId || message.Id == run.MessageId)
            .OrderBy(message => message.Position)
            .ToListAsync();
        return await Branches.DescribeAsync(db, messages, CancellationToken.None) is [var question, var reply]
            ? new(question, reply)
            : throw new NotFoundException();
    }

    /// <summary>What a run that goes on has said: from memory if it is made here, from the journal if not.</summary>
    private async Task<(string Text, int[] Ends)> SoFarAsync(Guid runId, CancellationToken cancellationToken)
    {
        if (executor.Find(runId) is { } active)
            return active.Log.Snapshot();
        var log = new RunLog(time);
        foreach (var entry in await journal.ReadAsync([new RunCursor(runId, 0)], cancellationToken))
            log.Append(entry);
        return log.Snapshot();
    }

    private async Task<Run> FindAsync(Guid userId, Guid sessionId, string? runId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var runs =
            from run in db.Runs
            join session in db.Sessions on run.SessionId equals session.Id
            where run.SessionId == sessionId && run.UserId == userId
            select run;
        if (runId is not null)
            runs = Guid.TryParse(runId, out var id) ? runs.Where(run => run.Id == id) : throw new NotFoundException();
        return await runs.LatestFirst().FirstOrDefaultAsync(cancellationToken) ?? throw new NotFoundException();
    }

    private async Task RequestStopAsync(Guid runId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        await db.Runs
            .Where(run => run.Id == runId && run.Status == RunStatus.Running)
            .ExecuteUpdateAsync(set => set.SetProperty(run => run.StopRequested, true), cancellationToken);
    }

    private async Task AwaitEndElsewhereAsync(Guid userId, Guid runId, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < LongestStop
            && (await GetAsync(userId, runId, cancellationToken)).Status == RunStatus.Running)
            await Task.Delay(StopPoll, time, cancellationToken);
    }
}
