using System.Text.Json;
using ChatApi.Application.Messages;
using ChatApi.Domain;

namespace ChatApi.Application.Transfers;

/// <summary>A conversation as files have it (docs/export.schema.json); its messages follow it.</summary>
public record ExportedSession
{
    /// <summary>The version of the format, which the file names.</summary>
    public const int Version = 1;

    /// <summary>UUID; an import gives it another.</summary>
    public required Guid Id { get; init; }

    /// <summary>1 to 200 characters.</summary>
    public required string Title { get; init; }

    /// <summary>Whether somebody chose the title.</summary>
    public required bool TitleChosen { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When the title or the messages changed last, UTC.</summary>
    public required DateTime UpdatedAt { get; init; }

    /// <summary>When the last message was stored, or the conversation made, UTC.</summary>
    public required DateTime LastMessageAt { get; init; }

    /// <summary>Whether its owner wants it at hand.</summary>
    public required bool Pinned { get; init; }

    /// <summary>Whether its owner has put it away.</summary>
    public required bool Archived { get; init; }

    /// <summary>Which model replies; null for the default.</summary>
    public required string? Model { get; init; }

    /// <summary>What the model is told first; null for the default.</summary>
    public required string? SystemPrompt { get; init; }

    /// <summary>0 to 2; null for the default.</summary>
    public required double? Temperature { get; init; }

    /// <summary>The longest reply in tokens; null for the default.</summary>
    public required int? MaxOutputTokens { get; init; }

    /// <summary>Above 0, to 1; null for the default.</summary>
    public required double? TopP { get; init; }

    /// <summary>Texts at which the model ends; null for none.</summary>
    public required IReadOnlyList<string>? Stop { get; init; }

    /// <summary>A JSON object of the client's; null for none.</summary>
    public required JsonElement? Metadata { get; init; }

    internal static ExportedSession From(ChatSession session)
    {
        var settings = session.Settings ?? ReplySettings.None;
        return new()
        {
            Id = session.Id,
            Title = session.Title,
            TitleChosen = session.IsTitleChosen,
            CreatedAt = session.CreatedAt,
            UpdatedAt = session.UpdatedAt,
            LastMessageAt = session.LastMessageAt,
            Pinned = session.IsPinned,
            Archived = session.IsArchived,
            Model = settings.Model,
            SystemPrompt = settings.SystemPrompt,
            Temperature = settings.Temperature,
            MaxOutputTokens = settings.MaxOutputTokens,
            TopP = settings.TopP,
            Stop = settings.Stop,
            Metadata = MessageResponse.ParseMetadata(session.Metadata),
        };
    }
}

/// <summary>A message as files have it.</summary>
/// <param name="Id">UUID; an import gives it another.</param>
/// <param name="ParentId">The message that it follows, which stands before it; null for the first.</param>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="Status"><c>completed</c>, <c>stopped</c>, <c>failed</c> or <c>interrupted</c>.</param>
/// <param name="FinishReason">Why the model ended, in its own word; null where none did.</param>
/// <param name="Model">The model that made it; null where none did.</param>
/// <param name="Usage">What it cost; null where no model made it.</param>
/// <param name="Feedback">What its reader thinks of it; null where nobody said.</param>
/// <param name="Metadata">A JSON object of the client's; null for none.</param>
/// <param name="OnBranch">Whether it belongs to the branch that the conversation shows.</param>
public sealed record ExportedMessage(
    Guid Id, Guid? ParentId, MessageRole Role, string Content, DateTime CreatedAt, RunStatus Status, string? FinishReason, string? Model,
    TokenUsage? Usage, Feedback? Feedback, JsonElement? Metadata, bool OnBranch)
{
    internal static ExportedMessage From(ChatMessage message) => new(
        message.Id, message.ParentId, message.Role, message.Content, message.CreatedAt, message.Status, message.FinishReason, message.Model,
        message.Usage, message.Feedback, MessageResponse.ParseMetadata(message.Metadata), message.IsOnBranch);
}
