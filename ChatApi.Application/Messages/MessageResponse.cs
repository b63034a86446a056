using ChatApi.Domain;

namespace ChatApi.Application.Messages;

/// <summary>A message.</summary>
/// <param name="Id">UUID.</param>
/// <param name="SessionId">The conversation.</param>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text, exactly as it was given.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="Status"><c>completed</c>, <c>stopped</c>, <c>failed</c>, <c>interrupted</c>, or <c>running</c> while it is made.</param>
/// <param name="FinishReason">Why the model ended, in its own word; null where none did.</param>
/// <param name="Model">The model that made it; null where none did.</param>
/// <param name="Usage">What it cost; null where no model made it.</param>
public sealed record MessageResponse(
    Guid Id, Guid SessionId, MessageRole Role, string Content, DateTime CreatedAt,
    RunStatus Status, string? FinishReason, string? Model, TokenUsage? Usage)
{
    internal static MessageResponse From(ChatMessage message) => new(
        message.Id, message.SessionId, message.Role, message.Content, message.CreatedAt,
        message.Status, message.FinishReason, message.Model, message.Usage);
}
