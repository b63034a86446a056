using System.Runtime.InteropServices;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Limits;

namespace ChatApi.Infrastructure.Limits;

/// <summary>
/// Counts in this process. Its memory is bounded: windows are kept in a table of fixed size, places and tokens for users with replies in
/// the making, and what a user has used of the day as long as there is room; the database knows it too.
/// </summary>
internal sealed class LocalLimitStore(TimeProvider time) : ILimitStore
{
    private const int MostDays = 50_000;

    private readonly Lock _gate = new();
    private readonly WindowTable _windows = new();
    private readonly Dictionary<Guid, int> _places = [];
    private readonly Dictionary<(Guid UserId, DateOnly Day), Tokens> _tokens = [];

    private long Now => time.GetTimestamp() / (time.TimestampFrequency / 1000);

    public ValueTask<Taking> TakeAsync(IReadOnlyList<Meter> meters, Hold? hold, DateOnly day, long? stored)
    {
        lock (_gate)
            return new(Take(meters, hold, day, stored));
    }

    public void Release(Hold hold, int used)
    {
        lock (_gate)
        {
            if (hold.HasPlace && --CollectionsMarshal.GetValueRefOrNullRef(_places, hold.UserId) == 0)
                _places.Remove(hold.UserId);
            if (hold.Tokens == 0)
                return;
            ref var tokens = ref CollectionsMarshal.GetValueRefOrNullRef(_tokens, (hold.UserId, hold.Day));
            tokens.Used += used;
            tokens.Reserved -= hold.Tokens;
            if (--tokens.Holds == 0)
                tokens.IsKnown = false;
        }
    }

    /// <summary>Nothing to do: the database has it, and is asked.</summary>
    public void Recount(Guid userId, DateOnly day)
    {
    }

    /// <summary>Notes what another store has given, so that it counts here if that store fails.</summary>
    public void Adopt(IReadOnlyList<Meter> meters, Hold hold, DateOnly day)
    {
        lock (_gate)
            Give(meters, hold, day, isKnown: false);
    }

    /// <summary>Notes whether another store may not have been told of tokens.</summary>
    public void Doubt(Guid userId, DateOnly day, bool isDoubtful)
    {
        lock (_gate)
            TokensOf(userId, day).IsDoubtful = isDoubtful;
    }

    /// <summary>Whether another store may not have been told of tokens.</summary>
    public bool IsDoubtful(Guid userId, DateOnly day)
    {
        lock (_gate)
            return _tokens.TryGetValue((userId, day), out var tokens) && tokens.IsDoubtful;
    }

    private Taking Take(IReadOnlyList<Meter> meters, Hold? hold, DateOnly day, long? stored)
    {
        var now = Now;
        var isFull = false;
        for (var index = 0; index < meters.Count; index++)
        {
            var meter = meters[index];
            if (!Look(meter, day, stored, now))
                return Taking.Unknown;
            isFull |= meter.IsFull;
        }

        if (isFull)
            return Taking.Refused;
        for (var index = 0; index < meters.Count; index++)
        {
            var meter = meters[index];
            if (meter.Cost > 0 && meter.Policy.Kind == PolicyKind.Window)
                _windows.Count(meter, now);
            meter.Give();
        }

        if (hold is not null)
            Give(meters, hold, day, isKnown: true);
        return Taking.Given;
    }

    /// <summary>False if it cannot be told.</summary>
    private bool Look(Meter meter, DateOnly day, long? stored, long now)
    {
        switch (meter.Policy.Kind)
        {
            case PolicyKind.Window:
                _windows.Look(meter, now);
                return true;
            case PolicyKind.Places:
                meter.Used = _places.GetValueOrDefault(meter.Who);
                return true;
            default:
                ref var tokens = ref TokensOf(meter.Who, day);
                if (!tokens.IsKnown && stored is null)
                    return false;

                // The larger of both: a reply that could not be stored is not in the database, and those of other processes are not here.
                if (!tokens.IsKnown)
                    tokens.Used = Math.Max(tokens.Used, stored!.Value);
                (meter.Used, meter.Reserved) = (tokens.Used, tokens.Reserved);
                return true;
        }
    }

    private void Give(IReadOnlyList<Meter> meters, Hold hold, DateOnly day, bool isKnown)
    {
        for (var index = 0; index < meters.Count; index++)
        {
            var meter = meters[index];
            if (meter.Policy.Kind == PolicyKind.Places && meter.Cost > 0)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_places, hold.UserId, out _)++;
                hold.HasPlace = true;
            }
            else if (meter.Policy.Kind == PolicyKind.Tokens && meter.Cost > 0)
            {
                ref var tokens = ref TokensOf(hold.UserId, day);
                tokens.Reserved += meter.Cost;
                tokens.Holds++;
                tokens.IsKnown |= isKnown;
                (hold.Tokens, hold.Day) = (meter.Cost, day);
            }
        }
    }

    private ref Tokens TokensOf(Guid userId, DateOnly day)
    {
        if (_tokens.Count >= MostDays && !_tokens.ContainsKey((userId, day)))
            foreach (var (key, tokens) in _tokens)
                if (tokens.Holds == 0)
                    _tokens.Remove(key);
        return ref CollectionsMarshal.GetValueRefOrAddDefault(_tokens, (userId, day), out _);
    }

    /// <summary>A user's tokens of a day.</summary>
    private struct Tokens
    {
        public long Used;
        public long Reserved;
        public int Holds;

        /// <summary>Whether the database was asked since the user had no reply in the making.</summary>
        public bool IsKnown;

        public bool IsDoubtful;
    }
}
