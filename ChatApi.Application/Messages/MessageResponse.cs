using System.Text.Json;
using ChatApi.Domain;

namespace ChatApi.Application.Messages;

/// <summary>A message.</summary>
/// <param name="Id">UUID.</param>
/// <param name="SessionId">The conversation.</param>
/// <param name="ParentId">The message that it follows; null for the first.</param>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text, exactly as it was given.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="Status"><c>completed</c>, <c>stopped</c>, <c>failed</c>, <c>interrupted</c>, or <c>running</c> while it is made.</param>
/// <param name="FinishReason">Why the model ended, in its own word; null where none did.</param>
/// <param name="Model">The model that made it; null where none did.</param>
/// <param name="Usage">What it cost; null where no model made it.</param>
/// <param name="OnBranch">Whether it belongs to the branch that the conversation shows.</param>
/// <param name="SiblingIds">All messages that follow the same one, this one among them, oldest first: several where something was asked or answered anew.</param>
/// <param name="SiblingIndex">Which of them it is, from 1.</param>
/// <param name="Feedback">What its reader thinks of it; null where nobody said.</param>
/// <param name="Metadata">A JSON object of the client's; null for none.</param>
public sealed record MessageResponse(
    Guid Id, Guid SessionId, Guid? ParentId, MessageRole Role, string Content, DateTime CreatedAt,
    RunStatus Status, string? FinishReason, string? Model, TokenUsage? Usage,
    bool OnBranch, IReadOnlyList<Guid> SiblingIds, int SiblingIndex, Feedback? Feedback, JsonElement? Metadata)
{
    /// <summary>A message that is the only one to follow the one before it.</summary>
    internal static MessageResponse From(ChatMessage message) => From(message, [message.Id]);

    internal static MessageResponse From(ChatMessage message, List<Guid> siblingIds) => new(
        message.Id, message.SessionId, message.ParentId, message.Role, message.Content, message.CreatedAt,
        message.Status, message.FinishReason, message.Model, message.Usage,
        message.IsOnBranch, siblingIds, siblingIds.IndexOf(message.Id) + 1, message.Feedback, ParseMetadata(message.Metadata));

    internal static JsonElement? ParseMetadata(string? metadata) =>
        metadata is null ? null : JsonElement.Parse(metadata);
}
