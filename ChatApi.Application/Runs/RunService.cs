using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.Sessions;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace ChatApi.Application.Runs;

/// <summary>Starts runs, waits for them, and stops them.</summary>
public sealed class RunService(
    IChatDbContextFactory contexts,
    RunExecutor executor,
    TurnOptions options,
    ITokenCounter tokens,
    RateLimits limits,
    TokenBudget budget,
    TimeProvider time)
{
    private const int MostTries = 20;
    private const int MostMilliseconds = 40;
    private static readonly SendMessageRequestValidator Validator = new();
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StopPoll = TimeSpan.FromMilliseconds(200);

    /// <summary>Stores the question and starts making the reply. All that can be refused is refused here.</summary>
    /// <returns>What the viewers see, from the beginning.</returns>
    /// <exception cref="InvalidRequestException"><c>content_required</c>, <c>content_too_long</c>, <c>context_too_long</c>.</exception>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="ConflictException"><c>run_in_progress</c>.</exception>
    /// <exception cref="RateLimitedException">The user asks too much, has too many replies in the making, or has used up the day's tokens.</exception>
    /// <exception cref="UnavailableException"><c>shutting_down</c>.</exception>
    public async Task<RunView> StartAsync(Guid userId, Guid sessionId, SendMessageRequest request, CancellationToken cancellationToken) =>
        RunView.Of(await StartCoreAsync(userId, sessionId, request.Content, cancellationToken));

    /// <summary>Asks, and waits for the whole reply. A client that leaves stops nothing.</summary>
    /// <inheritdoc cref="StartAsync" path="/exception"/>
    /// <exception cref="CompletionException">The model failed; the question stays stored.</exception>
    public async Task<TurnResponse> CompleteAsync(
        Guid userId, Guid sessionId, SendMessageRequest request, CancellationToken cancellationToken)
    {
        var run = await StartCoreAsync(userId, sessionId, request.Content, cancellationToken);
        return await ReplyAsync(run, cancellationToken);
    }

    /// <summary>Asks, in a new conversation if none is named, and waits for the whole reply.</summary>
    /// <inheritdoc cref="CompleteAsync" path="/exception"/>
    public async Task<ChatResponse> ChatAsync(Guid userId, ChatRequest request, CancellationToken cancellationToken)
    {
        var sessionId = request.SessionId switch
        {
            null => (Guid?)null,
            var text => Guid.TryParse(text, out var id) ? id : throw new NotFoundException(),
        };
        var run = await StartCoreAsync(userId, sessionId, request.Content, cancellationToken);
        var turn = await ReplyAsync(run, cancellationToken);
        return new(run.Run.SessionId, turn.UserMessage, turn.AssistantMessage);
    }

    /// <summary>One run, for those who poll.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<RunResponse> GetAsync(Guid userId, Guid runId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var run = await db.Runs.SingleOrDefaultAsync(row => row.Id == runId && row.UserId == userId, cancellationToken)
            ?? throw new NotFoundException();
        var reply = await db.Messages.SingleOrDefaultAsync(row => row.Id == run.MessageId, cancellationToken);
        var (content, seq) = (reply?.Content ?? "", run.Pieces);
        if (run.Status == RunStatus.Running && executor.Find(runId) is { } active)
            (content, seq) = active.Log.Snapshot() is var (text, ends) ? (text, ends.Length) : default;
        return new(
            run.Id, run.SessionId, run.UserMessageId, run.MessageId, run.Status, content, seq, run.ErrorCode,
            reply?.FinishReason, reply?.Model, reply?.Usage, run.CreatedAt, run.EndedAt);
    }

    /// <summary>Stops a run wherever it is executed, and waits until it has ended. To stop what has ended changes nothing.</summary>
    /// <exception cref="NotFoundException">There is no such run of this user's.</exception>
    public async Task<RunResponse> StopAsync(Guid userId, Guid sessionId, string? runId, CancellationToken cancellationToken)
    {
        var run = await FindAsync(userId, sessionId, runId, cancellationToken);
        if (run.Status == RunStatus.Running)
        {
            await RequestStopAsync(run.Id, cancellationToken);
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

    /// <summary>Stops the session's run without waiting for its end: its rows are about to go.</summary>
    internal async Task AbandonAsync(IChatDbContext db, Guid sessionId, CancellationToken cancellationToken)
    {
        // Another process sees within a second that the row is gone.
        if (await ActiveRunAsync(db, sessionId, cancellationToken) is { } runId)
            executor.Find(runId)?.Cancel(RunStatus.Stopped);
    }

    private async Task<ActiveRun> StartCoreAsync(Guid userId, Guid? sessionId, string? content, CancellationToken cancellationToken)
    {
        Validator.Check(new SendMessageRequest(content));
        executor.ThrowIfStopping();
        limits.TakeTurn(userId);
        var place = limits.TakeRun(userId);
        try
        {
            return await StoreAndStartAsync(userId, sessionId, content!, place, cancellationToken);
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    private async Task<ActiveRun> StoreAndStartAsync(
        Guid userId, Guid? sessionId, string content, IDisposable place, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            await using var db = contexts.Create();
            var now = time.Now();
            var session = sessionId is { } id
                ? await db.Sessions.AsTracking().SingleOrDefaultAsync(row => row.Id == id && row.UserId == userId, cancellationToken)
                    ?? throw new NotFoundException()
                : db.Sessions.Add(SessionService.New(userId, null, now)).Entity;
            var history = sessionId is null ? [] : await HistoryAsync(db, session.Id, cancellationToken);
            var context = ContextWindow.Build(options, history, content, tokens);
            await budget.CheckAsync(db, userId, executor.Active.Count(run => run.Run.UserId == userId) * options.MaxOutputTokens, cancellationToken);
            var run = Add(db, session, content, context, place, now);
            try
            {
                // Not to be given up half-way: a run that is stored and not started would block the session.
                await db.SaveChangesAsync(CancellationToken.None);
                executor.Start(run);
                return run;
            }
            catch (Exception exception) when (exception is UniqueViolationException or DbUpdateConcurrencyException && tries < MostTries)
            {
                var active = await ActiveRunAsync(db, session.Id, cancellationToken);
                if (active == run.Run.Id)
                {
                    // This very save went through, and its answer was lost.
                    executor.Start(run);
                    return run;
                }

                if (active is not null)
                    throw new ConflictException(ErrorCodes.RunInProgress, "A reply is still being made in this conversation.") { RunId = active };
                await Task.Delay(Random.Shared.Next(MostMilliseconds), cancellationToken);
            }
        }
    }

    private ActiveRun Add(
        IChatDbContext db, ChatSession session, string content, List<AIMessage> context, IDisposable place, DateTime now)
    {
        var question = new ChatMessage
        {
            Id = Guid.CreateVersion7(),
            SessionId = session.Id,
            Position = session.TakePosition(now),
            Role = MessageRole.User,
            Content = content,
            CreatedAt = now,
        };
        var reply = new ChatMessage
        {
            Id = Guid.CreateVersion7(),
            SessionId = session.Id,
            Position = session.TakePosition(now),
            Role = MessageRole.Assistant,
            Content = "",
            CreatedAt = now,
            Status = RunStatus.Running,
        };
        var run = new Run
        {
            Id = Guid.CreateVersion7(),
            SessionId = session.Id,
            UserId = session.UserId,
            UserMessageId = question.Id,
            MessageId = reply.Id,
            Status = RunStatus.Running,
            Owner = executor.Owner,
            LeaseExpiresAt = now.AddSeconds(RunLeases.LeaseSeconds),
            CreatedAt = now,
        };
        db.Messages.AddRange(question, reply);
        db.Runs.Add(run);
        return new(run, question, reply, context, place);
    }

    private async Task<List<ChatMessage>> HistoryAsync(IChatDbContext db, Guid sessionId, CancellationToken cancellationToken)
    {
        if (options.HistoryMessages == 0)
            return [];
        var latest = await db.Messages
            .Where(message => message.SessionId == sessionId && message.Content != "")
            .OrderByDescending(message => message.Position)
            .Take(options.HistoryMessages)
            .ToListAsync(cancellationToken);
        latest.Reverse();
        return latest;
    }

    private static async Task<TurnResponse> ReplyAsync(ActiveRun run, CancellationToken cancellationToken)
    {
        var end = await run.Log.Terminal.WaitAsync(cancellationToken);
        return end switch
        {
            RunEvent.Failed { Code: ErrorCodes.Interrupted } failed =>
                throw new UnavailableException(failed.Code, failed.Error) { RetryAfter = TimeSpan.FromSeconds(5) },
            RunEvent.Failed failed =>
                throw new CompletionException(failed.Code, failed.Error, failed.Retryable) { RetryAfter = run.RetryAfter },
            _ => new(MessageResponse.From(run.Question), MessageResponse.From(run.Reply)),
        };
    }

    private async Task<Run> FindAsync(Guid userId, Guid sessionId, string? runId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var runs = db.Runs.Where(run => run.SessionId == sessionId && run.UserId == userId);
        if (runId is not null)
            runs = Guid.TryParse(runId, out var id) ? runs.Where(run => run.Id == id) : throw new NotFoundException();
        return await runs.OrderByDescending(run => run.CreatedAt).FirstOrDefaultAsync(cancellationToken) ?? throw new NotFoundException();
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

    private static async Task<Guid?> ActiveRunAsync(IChatDbContext db, Guid sessionId, CancellationToken cancellationToken) =>
        await db.Runs
            .Where(run => run.SessionId == sessionId && run.Status == RunStatus.Running)
            .Select(run => (Guid?)run.Id)
            .SingleOrDefaultAsync(cancellationToken);
}
