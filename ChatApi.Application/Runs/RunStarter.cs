using System.Collections.Concurrent;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.UIChats;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace ChatApi.Application.Runs;

/// <summary>Starts runs: refuses what can be refused, stores the question, and hands the run to who executes it.</summary>
public sealed class RunStarter(
    IChatDbContextFactory contexts,
    ITurnStore turns,
    RunExecutor executor,
    RunLeases leases,
    ContextReader contextReader,
    Branches branches,
    Models models,
    TurnOptions options,
    RateLimits limits,
    ITokenCounter tokens,
    TimeProvider time)
{
    private const int MostTries = 20;
    private const int MostMilliseconds = 40;

    /// <summary>A conversation without messages.</summary>
    private static readonly Conversation Empty = new(0, null, null, []);

    private readonly ConcurrentDictionary<(Guid UserId, string Key), TaskCompletionSource> _starting = new();

    /// <summary>Runs that may be stored, or not: the database has not answered. Whoever asks again, under the same key, starts them.</summary>
    private readonly ConcurrentDictionary<Guid, (ActiveRun Run, long Asked)> _unanswered = new();

    /// <summary>Stores the question and starts making the reply.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="InvalidRequestException"><c>context_too_long</c>.</exception>
    /// <exception cref="ConflictException"><c>run_in_progress</c>; where something is asked or answered anew, <c>no_question</c> and <c>too_many_siblings</c>, too.</exception>
    /// <exception cref="KeyReusedException">Another request had the same key.</exception>
    /// <exception cref="RateLimitedException">The user asks too much, has too many replies in the making, or has used up the day's tokens.</exception>
    /// <exception cref="UnavailableException"><c>shutting_down</c>.</exception>
    internal async Task<StartedRun> StartAsync(Turn turn, CancellationToken cancellationToken)
    {
        if (turn.Key is not { } key)
            return await StartWithinLimitsAsync(turn, hold => ReadAndStartAsync(turn, hold, cancellationToken));

        // One at a time, so that repetitions that come together take no part of anybody's limits.
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (_starting.GetOrAdd((turn.UserId, key), done) is var other && other != done)
            await other.Task.WaitAsync(cancellationToken);
        try
        {
            if (await FindRepeatedAsync(turn, cancellationToken) is not { } run)
                return await StartWithinLimitsAsync(turn, hold => StoreAndStartAsync(turn, hold, null, cancellationToken));
            return _unanswered.TryGetValue(run.Id, out var left)
                ? await StartWithinLimitsAsync(turn, hold => StartLateAsync(turn, hold, left.Run, left.Asked, cancellationToken))
                : Repeated(turn, run);
        }
        finally
        {
            _starting.TryRemove((turn.UserId, key), out _);
            done.SetResult();
        }
    }

    private async Task<StartedRun> StartWithinLimitsAsync(Turn turn, Func<Hold, Task<StartedRun>> start)
    {
        using var announcement = executor.Announce();
        var hold = await limits.TakeTurnAsync(turn.Caller);
        StartedRun? started = null;
        try
        {
            return started = await start(hold);
        }
        finally
        {
            if (started?.Active is null)
                hold.Release(0);
        }
    }

    private static StartedRun Repeated(Turn turn, Run run)
    {
        turn.Caller.IsCounted = true;
        return new(run, null);
    }

    /// <summary>The run that the same request started before; null if it is a new one.</summary>
    /// <exception cref="KeyReusedException">The key is another request's.</exception>
    private async Task<Run?> FindRepeatedAsync(Turn turn, CancellationToken cancellationToken)
    {
        if (turn.Key is null)
            return null;
        await using var db = contexts.Create();
        if (turn.RepeatedRunId is { } known)
            return await db.Runs.SingleOrDefaultAsync(row => row.Id == known, cancellationToken);
        var run = await db.Runs.SingleOrDefaultAsync(row => row.UserId == turn.UserId && row.IdempotencyKey == turn.Key, cancellationToken);
        if (run is null)
            return null;
        if (run.CreatedAt > time.Now() - RunRecovery.KeyLifetime)
        {
            if (!run.RequestHash.AsSpan().SequenceEqual(turn.Hash))
                throw new KeyReusedException();

            // What the request made may be in the trash; it is not made a second time.
            return await db.Sessions.AnyAsync(session => session.Id == run.SessionId, cancellationToken) ? run : throw new NotFoundException();
        }

        await db.Runs.Where(row => row.Id == run.Id)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.IdempotencyKey, (string?)null), cancellationToken);
        return null;
    }

    /// <summary>
    /// Where nothing has to be decided between reading a conversation and storing a question at its end, which is most often so, both are one
    /// round trip. Not with a key: a run whose answer got lost is started by whoever asks again, and has to be known for that.
    /// </summary>
    private async Task<StartedRun> ReadAndStartAsync(Turn turn, Hold hold, CancellationToken cancellationToken)
    {
        if (turn is not { SessionId: { } sessionId, Anew: null } || limits.CountsTokens)
            return await StoreAndStartAsync(turn, hold, null, cancellationToken);
        var stored = NewTurns.Create(turn, TurnPlace.End, Empty, ContextWindow.Unknown, ModelFor(turn.Settings), executor.Owner, time.Now());
        var asked = time.GetTimestamp();
        Conversation conversation;
        try
        {
            conversation = await contextReader.OpenAndStartAsync(stored, turn.Settings);
        }
        catch (UniqueViolationException)
        {
            // A reply is being made, or this very turn was stored and its answer got lost.
            await using var db = contexts.Create();
            var position = await db.Messages.Where(row => row.Id == stored.Question.Id).Select(row => row.Position).SingleOrDefaultAsync(cancellationToken);
            if (position == 0)
            {
                await RefuseBesideRunAsync(db, sessionId, cancellationToken);
                return await StoreAndStartAsync(turn, hold, null, cancellationToken);
            }

            conversation = await contextReader.OpenAsync(turn.UserId, sessionId, position, cancellationToken) with
            {
                LastPosition = position - 1,
                IsStarted = true,
            };
        }

        if (!conversation.IsStarted)
            return await StoreAndStartAsync(turn, hold, conversation, cancellationToken);
        var context = await contextReader.BuildAsync(turn.Settings, conversation.History, turn.Content!);
        stored.Place(conversation, context.HistoryIds);
        return await BeginAsync(Active(stored, TurnPlace.End, conversation, context, turn.Settings, hold), asked);
    }

    private async Task<StartedRun> StoreAndStartAsync(Turn turn, Hold hold, Conversation? read, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            var now = time.Now();
            var (place, conversation) = tries == 1 && read is not null ? (TurnPlace.End, read) : await ReadAsync(turn, cancellationToken);
            var content = turn.Content ?? place.Question!.Content;
            var settings = conversation.Settings is null ? turn.Settings : turn.Settings.Or(Allowed(conversation.Settings));
            var context = await contextReader.BuildAsync(settings, conversation.History, content);
            await ReserveAsync(turn, hold, context.Messages, context.Tokens, settings, cancellationToken);
            var stored = NewTurns.Create(turn, place, conversation, context, ModelFor(settings), executor.Owner, now);
            var run = Active(stored, place, conversation, context, settings, hold);
            var asked = time.GetTimestamp();
            if (turn.Key is not null)
                Remember(run, asked);
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
                _unanswered.TryRemove(run.Run.Id, out _);
                if (await FindRepeatedAsync(turn, cancellationToken) is { } repeated)
                    return Repeated(turn, repeated);
                if (turn is { SessionId: null, ChatId: { } chat })
                    turn = turn with { SessionId = await ClientNames.FindSessionAsync(db, turn.UserId, chat, cancellationToken) ?? throw new NotFoundException() };
                await RefuseBesideRunAsync(db, turn.SessionId ?? stored.Run.SessionId, cancellationToken);
                await Task.Delay(Random.Shared.Next(MostMilliseconds), cancellationToken);
            }
        }
    }

    /// <summary>Where the turn goes on, and the conversation as it is there: read again if somebody has changed it in between.</summary>
    private async Task<(TurnPlace Place, Conversation Conversation)> ReadAsync(Turn turn, CancellationToken cancellationToken)
    {
        if (turn is { SessionId: null, Anew: null })
            return (TurnPlace.End, Empty with { IsUntitled = true });
        for (var tries = 1; ; tries++)
        {
            if ((turn.Anew is null ? TurnPlace.End : await TurnPlace.FindAsync(contexts, branches, turn, turn.Anew, cancellationToken)) is { } place)
            {
                var conversation = await contextReader.OpenAsync(turn.UserId, turn.SessionId!.Value, place.Before, cancellationToken);
                if (place.LastPosition is null || place.LastPosition == conversation.LastPosition)
                    return (place, conversation);
            }

            if (tries == MostTries)
                throw new DbUpdateConcurrencyException("The conversation is not as it was read.");
            await Task.Delay(Random.Shared.Next(MostMilliseconds), cancellationToken);
        }
    }

    private ActiveRun Active(
        NewTurn stored, TurnPlace place, Conversation conversation, ContextWindow context, ReplySettings settings, Hold hold) =>
        new(stored.Run, stored.Question, stored.Reply, context.Messages, settings, hold, time)
        {
            IsUntitled = conversation.IsUntitled,
            ShownBefore = place.ShownBefore,
        };

    private string? ModelFor(ReplySettings settings) => settings.Model ?? models.Default;

    /// <summary>What a conversation was set to may have been taken away since.</summary>
    private ReplySettings Allowed(ReplySettings kept) => kept with
    {
        Model = models.Has(kept.Model) ? kept.Model : null,
        MaxOutputTokens = kept.MaxOutputTokens is { } most ? Math.Min(most, options.MaxOutputTokens) : null,
    };

    private async Task<StartedRun> StartLateAsync(Turn turn, Hold hold, ActiveRun run, long asked, CancellationToken cancellationToken)
    {
        await ReserveAsync(turn, hold, run.Context, run.Run.ContextTokens, run.Settings, cancellationToken);
        return await BeginAsync(run.With(hold), asked);
    }

    private async Task ReserveAsync(
        Turn turn, Hold hold, IEnumerable<AIMessage> context, int? counted, ReplySettings settings, CancellationToken cancellationToken)
    {
        if (!limits.CountsTokens || hold.Tokens > 0)
            return;
        await PollingThread.LeaveAsync();
        var prompt = counted ?? context.Sum(message => tokens.Count(message.Text));
        await limits.ReserveAsync(turn.Caller, hold, prompt + (settings.MaxOutputTokens ?? options.MaxOutputTokens), cancellationToken);
    }

    /// <summary>
    /// Starts what has been stored. Where that took so long (a process that slept, a database that was away) that somebody may have
    /// ended the run meanwhile, the model is asked only if nobody has: what it says would belong to nobody.
    /// </summary>
    private async Task<StartedRun> BeginAsync(ActiveRun run, long asked)
    {
        var isLate = time.GetElapsedTime(asked).TotalSeconds > RunLeases.LeaseSeconds / 2.0;
        var isMine = !isLate || await leases.RenewAsync(run.Run.Id);
        _unanswered.TryRemove(run.Run.Id, out _);
        if (!isMine)
            return new(run.Run, null);
        executor.Start(run);
        return new(run.Run, run);
    }

    /// <summary>Until its lease is over, with which it ends.</summary>
    private void Remember(ActiveRun run, long asked)
    {
        foreach (var (id, other) in _unanswered)
        {
            if (time.GetElapsedTime(other.Asked).TotalSeconds > RunLeases.LeaseSeconds)
                _unanswered.TryRemove(id, out _);
        }

        _unanswered[run.Run.Id] = (run, asked);
    }

    /// <summary>The run that goes on in a conversation; null if none does.</summary>
    internal static async Task<Guid?> ActiveRunAsync(IChatDbContext db, Guid sessionId, CancellationToken cancellationToken) =>
        await db.Runs
            .Where(run => run.SessionId == sessionId && run.Status == RunStatus.Running)
            .Select(run => (Guid?)run.Id)
            .SingleOrDefaultAsync(cancellationToken);

    /// <exception cref="ConflictException"><c>run_in_progress</c>.</exception>
    internal static async Task RefuseBesideRunAsync(IChatDbContext db, Guid sessionId, CancellationToken cancellationToken)
    {
        if (await ActiveRunAsync(db, sessionId, cancellationToken) is { } active)
            throw new ConflictException(ErrorCodes.RunInProgress, "A reply is still being made in this conversation.") { RunId = active };
    }
}
