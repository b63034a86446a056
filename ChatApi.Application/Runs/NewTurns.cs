using ChatApi.Application.Abstractions;
using ChatApi.Application.Sessions;
using ChatApi.Domain;

namespace ChatApi.Application.Runs;

/// <summary>Makes the rows of turns.</summary>
internal static class NewTurns
{
    /// <param name="turn">As it came in.</param>
    /// <param name="place">Where it goes on.</param>
    /// <param name="conversation">As it was read; one without messages where <see cref="NewTurn.Place"/> fills in what is read later.</param>
    /// <param name="context">What the model is shown.</param>
    /// <param name="model">The model that replies; null where it is not known before it does.</param>
    /// <param name="owner">The process that makes the reply.</param>
    /// <param name="now">When it was asked.</param>
    public static NewTurn Create(
        Turn turn, TurnPlace place, Conversation conversation, ContextWindow context, string? model, Guid owner, DateTime now)
    {
        var session = turn.SessionId is null ? SessionService.New(turn.UserId, null, now, turn.ChatId) : null;
        var sessionId = turn.SessionId ?? session!.Id;
        var isAnswerAnew = turn.Content is null;
        var question = isAnswerAnew ? place.Question! : new ChatMessage
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            UserId = turn.UserId,
            ClientId = turn.ClientId,
            ParentId = conversation.LastId,
            Position = conversation.LastPosition + 1,
            HasSiblings = place.Question is not null,
            Role = MessageRole.User,
            Content = turn.Content!,
            CreatedAt = now,
            Metadata = turn.Metadata,
        };
        var reply = new ChatMessage
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            UserId = turn.UserId,
            ParentId = question.Id,
            Position = conversation.LastPosition + (isAnswerAnew ? 1 : 2),
            HasSiblings = isAnswerAnew,
            Role = MessageRole.Assistant,
            Content = "",

            // After the question, also for clients that sort by time.
            CreatedAt = now.AddMicroseconds(1),
            Status = RunStatus.Running,
            Model = model,
        };
        var run = new Run
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            UserId = turn.UserId,
            UserMessageId = question.Id,
            MessageId = reply.Id,
            Status = RunStatus.Running,
            Owner = owner,
            IdempotencyKey = turn.Key,
            RequestHash = turn.Key is null ? null : turn.Hash,
            ContextMessageIds = context.HistoryIds,
            ContextTrimmed = context.Trimmed,
            ContextTokens = context.Tokens,
            CreatedAt = now,
        };
        session?.LastPosition = reply.Position;
        return new(session, question, reply, run)
        {
            IsAnswerAnew = isAnswerAnew,
            LeavesBranchAfter = place.Question is null ? null : isAnswerAnew ? place.Before : place.Before - 1,
        };
    }
}
