using ChatApi.Application.Transfers;

namespace ChatApi.Web.OpenApi;

/// <summary>A file of conversations (docs/export.schema.json). It is written piece by piece; this only describes it.</summary>
/// <param name="Version">1.</param>
/// <param name="ExportedAt">UTC.</param>
/// <param name="Sessions">The conversations.</param>
internal sealed record ExportDocument(int Version, DateTime ExportedAt, IReadOnlyList<ExportedConversation> Sessions);

/// <summary>A conversation with its messages.</summary>
internal sealed record ExportedConversation : ExportedSession
{
    /// <summary>All branches, a parent before what follows it.</summary>
    public required IReadOnlyList<ExportedMessage> Messages { get; init; }
}
