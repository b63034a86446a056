using ChatApi.Application.Limits;

namespace ChatApi.Application.Abstractions;

/// <summary>Keeps what users and addresses have used of their limits: in this process, or for all processes together.</summary>
public interface ILimitStore
{
    /// <summary>Takes what all meters ask for, or nothing where one of them is full, and tells them how they stand.</summary>
    /// <param name="meters">At most one of each policy.</param>
    /// <param name="hold">Gets the place and the tokens that meters ask for; null where none does.</param>
    /// <param name="day">The day, UTC, of tokens.</param>
    /// <param name="stored">The tokens that the database has for the user and the day; null before it was asked.</param>
    ValueTask<Taking> TakeAsync(IReadOnlyList<Meter> meters, Hold? hold, DateOnly day, long? stored);

    /// <summary>Gives back the place and the tokens of a reply that ended, and counts what it did cost. Does not wait.</summary>
    void Release(Hold hold, int used);

    /// <summary>Counts what the database has of a day since a reply was stored that its process left behind. Does not wait.</summary>
    void Recount(Guid userId, DateOnly day);
}

/// <summary>What became of what was asked for.</summary>
public enum Taking
{
    /// <summary>All was given.</summary>
    Given,

    /// <summary>Nothing was given: something is full.</summary>
    Refused,

    /// <summary>Nothing was given: the store must be told first what the database has.</summary>
    Unknown,
}
