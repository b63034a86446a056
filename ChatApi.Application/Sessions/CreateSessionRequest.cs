using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using FluentValidation;

namespace ChatApi.Application.Sessions;

/// <summary>What a new conversation is made of.</summary>
/// <param name="Title">200 characters at most; <c>Nueva conversación</c> if absent or blank.</param>
public sealed record CreateSessionRequest(string? Title) : SettingsRequest;

/// <summary>What a new conversation of the streaming door is made of.</summary>
/// <param name="Title">200 characters at most; <c>Nueva conversación</c> if absent or blank.</param>
/// <param name="InitialMessage">Stored as the first message of the user's, without a reply; 32 000 characters at most.</param>
public sealed record StartSessionRequest(string? Title, string? InitialMessage) : SettingsRequest;

internal sealed class StartSessionRequestValidator : AbstractValidator<StartSessionRequest>
{
    public StartSessionRequestValidator()
    {
        RuleFor(request => request.Title).Title();
        RuleFor(request => request.InitialMessage).MaximumLength(Validation.MaxContentLength)
            .WithErrorCode(ErrorCodes.ContentTooLong).WithMessage($"A message may have {Validation.MaxContentLength} characters at most.");
    }
}
