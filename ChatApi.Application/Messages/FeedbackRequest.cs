using ChatApi.Domain;
using FluentValidation;

namespace ChatApi.Application.Messages;

/// <summary>What its reader thinks of a reply.</summary>
/// <param name="Rating"><c>up</c> or <c>down</c>.</param>
/// <param name="Comment">Why, 2 000 characters at most; none if absent or blank.</param>
public sealed record FeedbackRequest(string? Rating, string? Comment)
{
    /// <summary>The rating as it stands on the wire; null if there is no such rating.</summary>
    internal static Rating? ParseRating(string? rating) => rating switch
    {
        "up" => Domain.Rating.Up,
        "down" => Domain.Rating.Down,
        _ => null,
    };
}

internal sealed class FeedbackRequestValidator : AbstractValidator<FeedbackRequest>
{
    private const int MaxCommentLength = 2000;

    public FeedbackRequestValidator()
    {
        RuleFor(request => request.Rating).Must(rating => FeedbackRequest.ParseRating(rating) is not null).WithMessage("The rating must be up or down.");
        RuleFor(request => request.Comment).MaximumLength(MaxCommentLength).WithMessage($"A comment may have {MaxCommentLength} characters at most.");
    }
}
