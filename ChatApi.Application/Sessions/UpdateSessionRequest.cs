using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using FluentValidation;

namespace ChatApi.Application.Sessions;

/// <summary>What is to be changed of a conversation. What is absent is left as it is; a setting that is null is taken back.</summary>
/// <param name="Title">1 to 200 characters; left as it is if absent.</param>
/// <param name="Pinned">Whether its owner wants it at hand.</param>
/// <param name="Archived">Whether its owner has put it away: it is in no list but that of the archived.</param>
public sealed record UpdateSessionRequest(string? Title, bool? Pinned, bool? Archived) : SettingsRequest;

/// <summary>A conversation's new title, and whatever else is to be changed of it.</summary>
/// <param name="Title">1 to 200 characters.</param>
/// <param name="Pinned">Whether its owner wants it at hand.</param>
/// <param name="Archived">Whether its owner has put it away: it is in no list but that of the archived.</param>
public sealed record ReplaceSessionRequest(string? Title, bool? Pinned, bool? Archived) : SettingsRequest;

internal sealed class ReplaceSessionRequestValidator : AbstractValidator<ReplaceSessionRequest>
{
    public ReplaceSessionRequestValidator() => RuleFor(request => request.Title).Cascade(CascadeMode.Stop)
        .NotEmpty().WithMessage("A title is needed.")
        .Title();
}
