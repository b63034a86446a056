using ChatApi.Application.Errors;
using ChatApi.Application.Messages;
using FluentValidation;

namespace ChatApi.Application.Runs;

/// <summary>A question.</summary>
/// <param name="Content">The text, 1 to 32 000 characters, kept exactly as it is.</param>
public sealed record SendMessageRequest(string? Content) : SettingsRequest;

/// <summary>A question that takes the place of another.</summary>
/// <param name="MessageId">The question that is asked anew. It and what followed stay, on a branch of their own.</param>
/// <param name="Content">The text, 1 to 32 000 characters, kept exactly as it is.</param>
public sealed record EditMessageRequest(string? MessageId, string? Content) : SettingsRequest;

/// <summary>A question that takes the place of the one in the address.</summary>
/// <param name="Content">The text, 1 to 32 000 characters, kept exactly as it is.</param>
public sealed record ReplaceMessageRequest(string? Content) : SettingsRequest;

/// <summary>Which reply is to be made anew, and how.</summary>
/// <param name="MessageId">The reply, or its question; the end of the branch if absent. The reply stays, on a branch of its own.</param>
public sealed record RegenerateRequest(string? MessageId) : SettingsRequest;

/// <summary>A question that may open a conversation.</summary>
/// <param name="Content">The text, 1 to 32 000 characters, kept exactly as it is.</param>
/// <param name="SessionId">The conversation; a new one is made if absent.</param>
public sealed record ChatRequest(string? Content, string? SessionId) : SettingsRequest;

/// <summary>Which run is to be stopped.</summary>
/// <param name="RunId">The run; the session's latest if absent.</param>
public sealed record StopRequest(string? RunId);

/// <summary>A question and its reply.</summary>
/// <param name="UserMessage">The question.</param>
/// <param name="AssistantMessage">The reply.</param>
public sealed record TurnResponse(MessageResponse UserMessage, MessageResponse AssistantMessage);

/// <summary>A question and its reply, and how they came about.</summary>
/// <param name="Turn">The question and its reply.</param>
/// <param name="IsReplay">Whether the request only repeats the one that asked.</param>
public sealed record WholeReply(TurnResponse Turn, bool IsReplay);

/// <summary>A question and its reply, and where they are.</summary>
/// <param name="SessionId">The conversation.</param>
/// <param name="UserMessage">The question.</param>
/// <param name="AssistantMessage">The reply.</param>
public sealed record ChatResponse(Guid SessionId, MessageResponse UserMessage, MessageResponse AssistantMessage)
{
    /// <summary>A turn, with the conversation that it belongs to.</summary>
    public static ChatResponse From(TurnResponse turn) => new(turn.UserMessage.SessionId, turn.UserMessage, turn.AssistantMessage);
}

internal sealed class SendMessageRequestValidator : AbstractValidator<SendMessageRequest>
{
    public SendMessageRequestValidator() => RuleFor(request => request.Content).Content();
}
