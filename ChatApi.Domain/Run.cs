namespace ChatApi.Domain;

/// <summary>One reply in the making. It belongs to the server, not to the connection that asked for it.</summary>
public sealed class Run
{
    /// <summary>UUID version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The session; it has at most one run with <see cref="RunStatus.Running"/>.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>The session's owner.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The question.</summary>
    public required Guid UserMessageId { get; init; }

    /// <summary>The reply.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>How far it has come.</summary>
    public required RunStatus Status { get; set; }

    /// <summary>The process that makes it.</summary>
    public required Guid Owner { get; init; }

    /// <summary>
    /// Rises when the run is taken from its owner, from 1. What an owner writes names the number it has: one that was taken
    /// for dead, and wakes, changes nothing.
    /// </summary>
    public int Fence { get; set; } = 1;

    /// <summary>
    /// Until when the owner may be silent before any process ends the run as interrupted. UTC, by the database's clock, which
    /// also sets it when the run is stored.
    /// </summary>
    public DateTime LeaseExpiresAt { get; set; }

    /// <summary>Whether somebody asked for it to stop.</summary>
    public bool StopRequested { get; set; }

    /// <summary>What the client calls the request that started the run, unique per user; null if it gave no name, or after a day.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>SHA-256 of that request, to tell a repetition from another request under the same key.</summary>
    public byte[]? RequestHash { get; init; }

    /// <summary>The messages before the question that the model was shown, oldest first.</summary>
    public Guid[] ContextMessageIds { get; set; } = [];

    /// <summary>How many of the latest messages were not shown because they did not fit.</summary>
    public int ContextTrimmed { get; init; }

    /// <summary>Tokens of all that was shown, counted here; null where it was sure to fit without counting.</summary>
    public int? ContextTokens { get; init; }

    /// <summary>UTC, in whole microseconds.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>UTC, in whole microseconds; null while it runs.</summary>
    public DateTime? EndedAt { get; set; }

    /// <summary>The stable code of what went wrong; null if nothing did.</summary>
    public string? ErrorCode { get; set; }

    /// <summary>How many pieces the reply has; 0 while it runs.</summary>
    public int Pieces { get; set; }

    /// <summary>
    /// The length of each piece in UTF-16 units, as LEB128 numbers: what turns a cursor (a count of pieces) into a place in
    /// the text, also long after the end. Null while the run goes on.
    /// </summary>
    public byte[]? PieceLengths { get; set; }
}
