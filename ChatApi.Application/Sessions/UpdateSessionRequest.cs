using ChatApi.Application.Errors;
using FluentValidation;

namespace ChatApi.Application.Sessions;

/// <summary>What is to be changed of a conversation.</summary>
/// <param name="Title">1 to 200 characters; PATCH leaves it as it is if absent.</param>
public sealed record UpdateSessionRequest(string? Title);

internal sealed class UpdateSessionRequestValidator : AbstractValidator<UpdateSessionRequest>
{
    public UpdateSessionRequestValidator() => RuleFor(request => request.Title).Cascade(CascadeMode.Stop)
        .NotEmpty().WithMessage("A title is needed.")
        .Title();
}
