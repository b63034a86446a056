using System.Diagnostics.Metrics;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Telemetry;

namespace ChatApi.Application.Limits;

/// <summary>Lets in what is within the limits.</summary>
public sealed class RateLimits(LimitOptions options, ILimitStore store, StoredUsage stored, TimeProvider time)
{
    /// <summary>How many failures of an account, in units of the attempts that an address has, are an attack from many addresses.</summary>
    private const int AttackFactor = 10;

    private static readonly Counter<long> Refusals = ChatApiTelemetry.Meter.CreateCounter<long>(
        "chatapi.limits.refused", "{request}", "Requests that a limit refused, by the limit.");

    private const string TooManySignIns = "Too many attempts to sign in; please wait a moment.";

    /// <summary>When another try is worth it where that depends on replies in the making.</summary>
    private static readonly TimeSpan RunPause = TimeSpan.FromSeconds(1);

    private readonly Policy? _requests = Window("requests", options.RequestsPerMinute, "Too many requests; please wait a moment.");
    private readonly Policy? _address = Window("address", options.AddressRequestsPerMinute, "Too many requests from your network; please wait a moment.");
    private readonly Policy? _turns = Window("turns", options.TurnsPerMinute, "Too many messages; please wait a moment.");
    private readonly Policy? _signIns = Window("sign-ins", options.SignInsPerMinute, TooManySignIns);
    private readonly Policy? _failures = Window("sign-in-failures", options.SignInsPerMinute * AttackFactor, TooManySignIns);
    private readonly Policy _attacked = new("attacked-account", PolicyKind.Window, 1, TooManySignIns);
    private readonly Policy? _runs = options.ConcurrentRuns == 0 ? null : new(
        "runs", PolicyKind.Places, options.ConcurrentRuns, "Too many replies are being made at the same time; please wait for one.");
    private readonly Policy? _tokens = options.TokensPerDay == 0 ? null : new(
        "tokens", PolicyKind.Tokens, options.TokensPerDay, "The tokens of this day are used up.");

    private int _runsHere;

    /// <summary>Whether requests are limited.</summary>
    public bool CountsRequests => _requests is not null || _address is not null;

    /// <summary>Counts a request: of the user and of the address, or of the address alone where nobody is signed in.</summary>
    /// <exception cref="RateLimitedException">It is one too many.</exception>
    public ValueTask TakeRequestAsync(Caller caller)
    {
        var meters = new List<Meter>(2);
        AddRequest(meters, caller);
        return meters.Count == 0 ? ValueTask.CompletedTask : TakeAsync(caller, meters);
    }

    /// <summary>Counts an attempt to sign in, or to make an account.</summary>
    /// <param name="caller">Who tries.</param>
    /// <param name="account">The account's e-mail address, normalised.</param>
    /// <exception cref="RateLimitedException">
    /// It is one too many of the address; or the account is under attack from many addresses, and this one has had its attempt.
    /// </exception>
    internal async ValueTask TakeSignInAsync(Caller caller, string account)
    {
        if (_signIns is null || _failures is null)
            return;
        var id = Partition.Of(account);
        var failures = new Meter(_failures, id, 0);
        await TakeAsync(caller, [new(_signIns, caller.Address, 1), failures]);

        // Not none: whoever can make the attempts of others fail must not be able to lock the owner out.
        if (failures.Remaining == 0)
            await TakeAsync(caller, [new(_attacked, Partition.Of(caller.Address, id), 1)]);
    }

    /// <summary>Counts an attempt that failed.</summary>
    internal async ValueTask NoteFailedSignInAsync(string account)
    {
        if (_failures is not null)
            await AskAsync([new(_failures, Partition.Of(account), 1)], null, CancellationToken.None);
    }

    /// <summary>Counts a question, with the request that it is, and takes the place of a reply in the making.</summary>
    /// <returns>What to release at the end of the reply, or when none begins.</returns>
    /// <exception cref="RateLimitedException">It is one too many, or all places are taken.</exception>
    internal async ValueTask<Hold> TakeTurnAsync(Caller caller)
    {
        TakePlaceHere();
        var meters = new List<Meter>(4);
        if (!caller.IsCounted)
            AddRequest(meters, caller);
        if (_turns is not null)
            meters.Add(new(_turns, caller.UserId, 1));
        if (_runs is not null)
            meters.Add(new(_runs, caller.UserId, 1));
        var hold = new Hold(caller.UserId, GiveBack);
        try
        {
            if (meters.Count > 0)
                await TakeAsync(caller, meters, hold);
            return hold;
        }
        catch
        {
            hold.Release(0);
            throw;
        }
    }

    /// <summary>Whether the tokens of a day are limited.</summary>
    internal bool CountsTokens => _tokens is not null;

    /// <summary>Keeps tokens of the day for a reply. One that might cost more than a whole day's gets them if nothing else is used.</summary>
    /// <exception cref="RateLimitedException">There are not as many left.</exception>
    internal async ValueTask ReserveAsync(Caller caller, Hold hold, int tokens, CancellationToken cancellationToken)
    {
        if (_tokens is not null)
            await TakeAsync(caller, [new(_tokens, caller.UserId, Math.Min(tokens, _tokens.Limit))], hold, cancellationToken);
    }

    /// <summary>Keeps tokens of the day for what nobody asked for; null if there are not as many left. Release it at the end.</summary>
    internal async ValueTask<Hold?> TryHoldAsync(Guid userId, int tokens)
    {
        var hold = new Hold(userId, (held, used) =>
        {
            if (held.Tokens > 0)
                store.Release(held, used);
        });
        return _tokens is null || await AskAsync([new(_tokens, userId, tokens)], hold, CancellationToken.None) == Taking.Given ? hold : null;
    }

    /// <summary>Counts what a reply did cost that was stored for a process that is gone.</summary>
    internal void Recount(Guid userId, DateTime createdAt)
    {
        if (_tokens is not null)
            store.Recount(userId, DateOnly.FromDateTime(createdAt));
    }

    /// <summary>How a user's limits stand; those that are on.</summary>
    internal async ValueTask<IReadOnlyList<Meter>> LookAsync(Guid userId, CancellationToken cancellationToken)
    {
        List<Meter> meters = [.. new[] { _tokens, _requests, _turns, _runs }.OfType<Policy>().Select(policy => new Meter(policy, userId, 0))];
        if (meters.Count > 0)
            await AskAsync(meters, null, cancellationToken);
        return meters;
    }

    private static Policy? Window(string name, int limit, string refusal) => limit == 0 ? null : new(name, PolicyKind.Window, limit, refusal);

    private void AddRequest(List<Meter> meters, Caller caller)
    {
        caller.IsCounted = true;
        if (_requests is not null)
            meters.Add(new(_requests, caller.IsSignedIn ? caller.UserId : caller.Address, 1));
        if (_address is not null && caller.IsSignedIn && !caller.IsLocal)
            meters.Add(new(_address, caller.Address, 1));
    }

    private void TakePlaceHere()
    {
        if (Interlocked.Increment(ref _runsHere) <= options.RunsPerProcess || options.RunsPerProcess == 0)
            return;
        Interlocked.Decrement(ref _runsHere);
        NoteRefusal("runs-per-process");
        throw new RateLimitedException("As many replies are being made as can be; please try again in a moment.") { RetryAfter = RunPause };
    }

    private void GiveBack(Hold hold, int used)
    {
        Interlocked.Decrement(ref _runsHere);
        if (hold.HasPlace || hold.Tokens > 0)
            store.Release(hold, used);
    }

    private async ValueTask TakeAsync(Caller caller, List<Meter> meters, Hold? hold = null, CancellationToken cancellationToken = default)
    {
        var taking = await AskAsync(meters, hold, cancellationToken);
        caller.Note(meters);
        if (taking == Taking.Given)
            return;
        var last = meters.Where(meter => meter.IsFull).MaxBy(WaitFor)!;
        NoteRefusal(last.Policy.Name);
        throw new RateLimitedException(last.Policy.Refusal) { RetryAfter = WaitFor(last) };
    }

    private static void NoteRefusal(string limit) => Refusals.Add(1, new KeyValuePair<string, object?>("chatapi.limit", limit));

    private async ValueTask<Taking> AskAsync(List<Meter> meters, Hold? hold, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var day = DateOnly.FromDateTime(now);
        var taking = await store.TakeAsync(meters, hold, day, null);
        if (meters.Find(meter => meter.Policy.Kind == PolicyKind.Tokens) is not { } tokens)
            return taking;
        tokens.Rest = now.Date.AddDays(1) - now;
        if (taking != Taking.Unknown)
            return taking;
        var usage = await stored.ReadAsync(tokens.Who, day, cancellationToken);
        return await store.TakeAsync(meters, hold, day, usage.TotalTokens);
    }

    private static TimeSpan WaitFor(Meter meter) => meter.Policy.Kind switch
    {
        PolicyKind.Window => meter.Rest,
        PolicyKind.Tokens when meter.Used + meter.Cost > meter.Policy.Limit => meter.Rest,
        _ => RunPause,
    };
}
