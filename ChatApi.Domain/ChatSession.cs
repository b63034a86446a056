namespace ChatApi.Domain;

/// <summary>A conversation of one user.</summary>
public sealed class ChatSession
{
    /// <summary>UUID version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The owner, as the token names it. It need not be a row of ours: accounts may live with an external provider.</summary>
    public required Guid UserId { get; init; }

    /// <summary>What a client that names its conversations itself calls this one, unique per user; null where none did.</summary>
    public string? ClientId { get; init; }

    /// <summary>1 to 200 characters without control characters.</summary>
    public required string Title { get; set; }

    /// <summary>Whether somebody chose the title; any other may be replaced by one made from the conversation.</summary>
    public bool IsTitleChosen { get; set; }

    /// <summary>How its replies are made where a turn does not say otherwise; null where nothing is set.</summary>
    public ReplySettings? Settings { get; set => field = value == ReplySettings.None ? null : value; }

    /// <summary>A JSON object of the client's, as it was given; null for none.</summary>
    public string? Metadata { get; set; }

    /// <summary>Whether its owner wants it at hand.</summary>
    public bool IsPinned { get; set; }

    /// <summary>Whether its owner has put it away.</summary>
    public bool IsArchived { get; set; }

    /// <summary>When it was put into the trash, UTC; null where it is not there. What is there is seen by nobody but who restores it.</summary>
    public DateTime? DeletedAt { get; set; }

    /// <summary>UTC, in whole microseconds.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When the title or the messages changed last. UTC, in whole microseconds.</summary>
    public required DateTime UpdatedAt { get; set; }

    /// <summary>When the last message was stored, or the session made. Lists are ordered by it. UTC, in whole microseconds.</summary>
    public required DateTime LastMessageAt { get; set; }

    /// <summary>
    /// The highest message position given out so far, 0 for none. Two writers that take the same position collide on it
    /// (it is the concurrency token), so the order of messages is total although clocks and UUIDs are not. A change of
    /// branch takes one, too: whoever has read the branch before collides with it.
    /// </summary>
    public int LastPosition { get; set; }

    /// <summary>Takes the next message position and marks the session as active.</summary>
    /// <param name="now">UTC, in whole microseconds.</param>
    public int TakePosition(DateTime now)
    {
        UpdatedAt = LastMessageAt = now;
        return ++LastPosition;
    }
}
