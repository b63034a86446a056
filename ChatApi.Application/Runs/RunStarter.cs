using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Application.Sessions;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Runs;

/// <summary>Starts runs: refuses what can be refused, stores the question, and hands the run to who executes it.</summary>
public sealed class RunStarter(
    IChatDbContextFactory contexts,
    ITurnStore turns,
    RunExecutor executor,
    RunLeases leases,
    ContextReader contextReader,
    TurnOptions options,
    RateLimits limits,
    TokenBudget budget,
    TimeProvider time)
{
    private const int MostTries = 20;
    private const int MostMilliseconds = 40;

    private readonly ConcurrentDictionary<(Guid UserId, string Key), TaskCompletionSource> _starting = new();

    /// <summary>Stores the question and starts making the reply.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="InvalidRequestException"><c>context_too_long</c>.</exception>
    /// <exception cref="ConflictException"><c>run_in_progress</c>.</exception>
    /// <exception cref="KeyReusedException">Another request had the same key.</exception>
    /// <exception cref="RateLimitedException">The user asks too much, has too many replies in the making, or has used up the day's tokens.</exception>
    /// <exception cref="UnavailableException"><c>shutting_down</c>.</exception>
    internal async Task<StartedRun> StartAsync(Turn turn, CancellationToken cancellationToken)
    {
        if (turn.Key is not { } key)
            return await StartNewAsync(turn, cancellationToken);

        // One at a time, so that repetitions that come together take no part of anybody's limits.
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (_starting.GetOrAdd((turn.UserId, key), done) is var other && other != done)
            await other.Task.WaitAsync(cancellationToken);
        try
        {
            if (await FindRepeatedAsync(turn, cancellationToken) is { } run)
                return new(run, null);
            limits.TakeRequest(turn.UserId.ToString());
            return await StartNewAsync(turn, cancellationToken);
        }
        finally
        {
            _starting.TryRemove((turn.UserId, key), out _);
            done.SetResult();
        }
    }

    private async Task<StartedRun> StartNewAsync(Turn turn, CancellationToken cancellationToken)
    {
        using var announcement = executor.Announce();
        limits.TakeTurn(turn.UserId);
        var place = limits.TakeRun(turn.UserId);
        StartedRun? started = null;
        try
        {
            return started = await StoreAndStartAsync(turn, place, cancellationToken);
        }
        finally
        {
            if (started?.Active is null)
                place.Dispose();
        }
    }

    /// <summary>The run that the same request started before; null if it is a new one.</summary>
    /// <exception cref="KeyReusedException">The key is another request's.</exception>
    private async Task<Run?> FindRepeatedAsync(Turn turn, CancellationToken cancellationToken)
    {
        if (turn.Key is null)
            return null;
        await using var db = contexts.Create();
        var run = await db.Runs.SingleOrDefaultAsync(row => row.UserId == turn.UserId && row.IdempotencyKey == turn.Key, cancellationToken);
        if (run is null)
            return null;
        if (run.CreatedAt > time.Now() - RunRecovery.KeyLifetime)
            return run.RequestHash.AsSpan().SequenceEqual(turn.Hash) ? run : throw new KeyReusedException();
        await db.Runs.Where(row => row.Id == run.Id)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.IdempotencyKey, (string?)null), cancellationToken);
        return null;
    }

    private async Task<StartedRun> StoreAndStartAsync(Turn turn, IDisposable place, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            var now = time.Now();
            var (last, context) = turn.SessionId is { } id
                ? await contextReader.OpenAsync(turn.UserId, id, turn.Content, cancellationToken)
                : (0, await contextReader.BuildAsync(turn.Content));
            await budget.CheckAsync(
                turn.UserId, () => executor.Active.Count(active => active.Run.UserId == turn.UserId) * options.MaxOutputTokens, cancellationToken);
            var stored = New(turn, last, now);
            var run = new ActiveRun(stored.Run, stored.Question, stored.Reply, context, place, time);
            var asked = time.GetTimestamp();
            try
            {
                // Not to be given up half-way: a run that is stored and not started would block the session.
                await turns.StartAsync(stored);
                return await BeginAsync(run, asked);
            }
            catch (Exception exception) when (exception is UniqueViolationException or DbUpdateConcurrencyException && tries < MostTries)
            {
                await using var db = contexts.Create();

                // This very save may have gone through, and its answer been lost.
                if (await db.Runs.AnyAsync(row => row.Id == stored.Run.Id, cancellationToken))
                    return await BeginAsync(run, asked);
                if (await FindRepeatedAsync(turn, cancellationToken) is { } repeated)
                    return new(repeated, null);
                if (await ActiveRunAsync(db, stored.Run.SessionId, cancellationToken) is { } active)
                    throw new ConflictException(ErrorCodes.RunInProgress, "A reply is still being made in this conversation.") { RunId = active };
                await Task.Delay(Random.Shared.Next(MostMilliseconds), cancellationToken);
            }
        }
    }

    /// <summary>
    /// Starts what has been stored. Where that took so long (a process that slept, a database that was away) that somebody may have
    /// ended the run meanwhile, the model is asked only if nobody has: what it says would belong to nobody.
    /// </summary>
    private async Task<StartedRun> BeginAsync(ActiveRun run, long asked)
    {
        if (time.GetElapsedTime(asked).TotalSeconds > RunLeases.LeaseSeconds / 2.0 && !await leases.RenewAsync(run.Run.Id))
            return new(run.Run, null);
        executor.Start(run);
        return new(run.Run, run);
    }

    /// <summary>The run that goes on in a conversation; null if none does.</summary>
    internal static async Task<Guid?> ActiveRunAsync(IChatDbContext db, Guid sessionId, CancellationToken cancellationToken) =>
        await db.Runs
            .Where(run => run.SessionId == sessionId && run.Status == RunStatus.Running)
            .Select(run => (Guid?)run.Id)
            .SingleOrDefaultAsync(cancellationToken);

    private NewTurn New(Turn turn, int last, DateTime now)
    {
        var session = turn.SessionId is null ? SessionService.New(turn.UserId, null, now) : null;
        var sessionId = turn.SessionId ?? session!.Id;
        var question = new ChatMessage
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            Position = last + 1,
            Role = MessageRole.User,
            Content = turn.Content,
            CreatedAt = now,
        };
        var reply = new ChatMessage
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            Position = last + 2,
            Role = MessageRole.Assistant,
            Content = "",

            // After the question, also for clients that sort by time.
            CreatedAt = now.AddMicroseconds(1),
            Status = RunStatus.Running,
            Model = executor.DefaultModel,
        };
        var run = new Run
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            UserId = turn.UserId,
            UserMessageId = question.Id,
            MessageId = reply.Id,
            Status = RunStatus.Running,
            Owner = executor.Owner,
            IdempotencyKey = turn.Key,
            RequestHash = turn.Key is null ? null : turn.Hash,
            CreatedAt = now,
        };
        session?.LastPosition = reply.Position;
        return new(session, question, reply, run);
    }
}

/// <summary>A question as it came in.</summary>
/// <param name="Door">The operation that was called.</param>
/// <param name="UserId">Who asks.</param>
/// <param name="SessionId">The conversation; null for a new one.</param>
/// <param name="Content">The question.</param>
/// <param name="Key">The request's <c>Idempotency-Key</c>, if it has one.</param>
internal sealed record Turn(string Door, Guid UserId, Guid? SessionId, string Content, string? Key)
{
    /// <summary>What makes it the same request: the door, the conversation, and the words.</summary>
    public byte[] Hash => SHA256.HashData(Encoding.UTF8.GetBytes($"{Door}\n{SessionId}\n{Content}"));
}

/// <summary>A run, and the execution of it that has just begun here.</summary>
/// <param name="Run">The run.</param>
/// <param name="Active">Its execution; null if the run was started before, by the same request, or has been ended by somebody else.</param>
internal sealed record StartedRun(Run Run, ActiveRun? Active)
{
    /// <summary>Whether nothing was started.</summary>
    public bool IsReplay => Active is null;
}
