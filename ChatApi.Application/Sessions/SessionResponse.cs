using System.Text.Json;
using ChatApi.Application.Messages;
using ChatApi.Domain;

namespace ChatApi.Application.Sessions;

/// <summary>A conversation.</summary>
/// <param name="Id">UUID.</param>
/// <param name="UserId">The owner.</param>
/// <param name="Title">1 to 200 characters.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="UpdatedAt">When the title or the messages changed last, UTC.</param>
/// <param name="LastMessageAt">When the last message was stored, or the conversation made, UTC.</param>
/// <param name="Pinned">Whether its owner wants it at hand.</param>
/// <param name="Archived">Whether its owner has put it away.</param>
/// <param name="Model">Which model replies; null for the default.</param>
/// <param name="SystemPrompt">What the model is told first; null for the default.</param>
/// <param name="Temperature">0 to 2; null for the default.</param>
/// <param name="MaxOutputTokens">The longest reply in tokens; null for the default.</param>
/// <param name="TopP">Above 0, to 1; null for the default.</param>
/// <param name="Stop">Texts at which the model ends; null for none.</param>
/// <param name="Metadata">A JSON object of the client's; null for none.</param>
/// <param name="DeletedAt">When it was put into the trash, UTC; null where it is not there.</param>
/// <param name="Snippet">The newest message that has what was searched for; null where only the title has it, or nothing was searched for.</param>
public sealed record SessionResponse(
    Guid Id, Guid UserId, string Title, DateTime CreatedAt, DateTime UpdatedAt, DateTime LastMessageAt, bool Pinned, bool Archived,
    string? Model, string? SystemPrompt, double? Temperature, int? MaxOutputTokens, double? TopP, IReadOnlyList<string>? Stop, JsonElement? Metadata,
    DateTime? DeletedAt, SnippetResponse? Snippet)
{
    internal static SessionResponse From(ChatSession session) => From(session, null);

    internal static SessionResponse From(ChatSession session, SnippetResponse? snippet) => new(
        session.Id, session.UserId, session.Title, session.CreatedAt, session.UpdatedAt, session.LastMessageAt, session.IsPinned, session.IsArchived,
        session.Settings?.Model, session.Settings?.SystemPrompt, session.Settings?.Temperature, session.Settings?.MaxOutputTokens,
        session.Settings?.TopP, session.Settings?.Stop, MessageResponse.ParseMetadata(session.Metadata),
        session.DeletedAt, snippet);
}

/// <summary>What was found in a conversation.</summary>
/// <param name="MessageId">The message that has it.</param>
/// <param name="Text">The part of its text with the first word that was found, on one line; plain text.</param>
public sealed record SnippetResponse(Guid MessageId, string Text);
