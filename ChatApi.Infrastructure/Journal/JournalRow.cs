namespace ChatApi.Infrastructure.Journal;

/// <summary>Some pieces of a reply in the making, as the database keeps them until the reply is stored.</summary>
internal sealed class JournalRow
{
    public required Guid RunId { get; init; }

    /// <summary>How many pieces come before these.</summary>
    public required int After { get; init; }

    /// <summary>How many pieces these are.</summary>
    public required int Pieces { get; init; }

    public required string Text { get; init; }

    public required byte[] PieceLengths { get; init; }
}
