namespace ChatApi.Domain;

/// <summary>What a session's branch said at one moment, for whoever has the link.</summary>
public sealed class Share
{
    /// <summary>UUID version 7; names the share to its owner, and opens nothing.</summary>
    public required Guid Id { get; init; }

    /// <summary>The session it was made of.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>The session's owner.</summary>
    public required Guid UserId { get; init; }

    /// <summary>SHA-256 of the secret in the link, which is kept nowhere.</summary>
    public required byte[] TokenHash { get; init; }

    /// <summary>The session's title at that moment.</summary>
    public required string Title { get; init; }

    /// <summary>The messages at that moment, as JSON.</summary>
    public required string Snapshot { get; init; }

    /// <summary>UTC, in whole microseconds.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When the link stops to work, UTC; null for never.</summary>
    public DateTime? ExpiresAt { get; init; }
}
