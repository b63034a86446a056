using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using FluentValidation;

namespace ChatApi.Application.Messages;

/// <summary>A message for a conversation.</summary>
/// <param name="Role"><c>user</c> asks and gets a reply; <c>assistant</c> is stored as an imported message.</param>
/// <param name="Content">The text, 1 to 32 000 characters, kept exactly as it is.</param>
public sealed record CreateMessageRequest(string? Role, string? Content) : SettingsRequest;

internal sealed class CreateMessageRequestValidator : AbstractValidator<CreateMessageRequest>
{
    public CreateMessageRequestValidator()
    {
        RuleFor(request => request.Role).Must(role => Validation.ParseRole(role) is not null)
            .WithMessage("The role must be user or assistant.");
        RuleFor(request => request.Content).Content();
    }
}
