using ChatApi.Domain;

namespace ChatApi.Application.Sessions;

/// <summary>A conversation.</summary>
/// <param name="Id">UUID.</param>
/// <param name="UserId">The owner.</param>
/// <param name="Title">1 to 200 characters.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="UpdatedAt">When the title or the messages changed last, UTC.</param>
/// <param name="LastMessageAt">When the last message was stored, or the conversation made, UTC.</param>
public sealed record SessionResponse(
    Guid Id, Guid UserId, string Title, DateTime CreatedAt, DateTime UpdatedAt, DateTime LastMessageAt)
{
    internal static SessionResponse From(ChatSession session) =>
        new(session.Id, session.UserId, session.Title, session.CreatedAt, session.UpdatedAt, session.LastMessageAt);
}
