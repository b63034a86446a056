using ChatApi.Application.Errors;
using FluentValidation;

namespace ChatApi.Application.Accounts;

/// <summary>What a new account is made of.</summary>
/// <param name="Email">The address to sign in with; upper and lower case are the same.</param>
/// <param name="Password">8 to 200 characters.</param>
/// <param name="Name">The display name, 100 characters at most; the part before the @ if absent.</param>
public sealed record RegisterRequest(string? Email, string? Password, string? Name);

internal sealed class RegisterRequestValidator : AbstractValidator<RegisterRequest>
{
    /// <summary>More would only cost time: the hash reads all of it.</summary>
    private const int MaxPasswordLength = 200;

    /// <summary>The longest display name, in UTF-16 units.</summary>
    public const int MaxNameLength = 100;

    public RegisterRequestValidator()
    {
        RuleFor(request => request.Email).Cascade(CascadeMode.Stop)
            .NotEmpty().WithMessage("An email address is needed.")
            .MaximumLength(320).WithMessage("The email address is too long.")
            .Must(email => IsAddress(email!.Trim())).WithMessage("This is not an email address.");
        RuleFor(request => request.Password)
            .Must(password => password is { Length: >= 8 }).WithErrorCode(ErrorCodes.WeakPassword)
            .WithMessage("A password needs 8 characters at least.")
            .MaximumLength(MaxPasswordLength).WithMessage($"A password may have {MaxPasswordLength} characters at most.");
        RuleFor(request => request.Name)
            .MaximumLength(MaxNameLength).WithMessage("A name may have 100 characters at most.")
            .Must(Validation.HasNoControlCharacters).WithMessage("A name may not have control characters.");
    }

    private static bool IsAddress(string email)
    {
        var at = email.IndexOf('@', StringComparison.Ordinal);
        return at > 0 && at < email.Length - 1 && at == email.LastIndexOf('@')
            && !email.Any(character => char.IsWhiteSpace(character) || char.IsControl(character));
    }
}
