namespace ChatApi.Domain;

/// <summary>What is left of an account that was deleted: its id, so that no token that names it is good again.</summary>
public sealed class DeletedAccount
{
    /// <summary>The account, as its tokens name it.</summary>
    public required Guid UserId { get; init; }

    /// <summary>UTC, by the database's clock, which sets it when the row is stored.</summary>
    public DateTime DeletedAt { get; init; }
}
