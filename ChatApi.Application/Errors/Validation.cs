using System.Text;
using System.Text.Json;
using ChatApi.Domain;
using FluentValidation;

namespace ChatApi.Application.Errors;

/// <summary>Rules that several requests share, and the one way they are applied.</summary>
internal static class Validation
{
    /// <summary>The longest text of a message, in UTF-16 units.</summary>
    public const int MaxContentLength = 32_000;

    /// <summary>The longest reply, in UTF-16 units. No model's comes near it; what goes on for ever is cut there.</summary>
    public const int MaxReplyLength = 1_000_000;

    /// <summary>The longest JSON object that a client may have kept, in UTF-8.</summary>
    public const int MaxMetadataBytes = 4096;

    /// <summary>How deep it may be: it is still to be written within a list of what has it.</summary>
    public const int MaxMetadataDepth = 16;

    private const int MaxTitleLength = 200;

    /// <exception cref="InvalidRequestException">A rule is broken; the first one with a code of its own gives the code.</exception>
    public static void Check<T>(this IValidator<T> validator, T request)
    {
        var result = validator.Validate(request);
        if (result.IsValid)
            return;
        var errors = result.Errors
            .GroupBy(failure => JsonNamingPolicy.SnakeCaseLower.ConvertName(failure.PropertyName))
            .ToDictionary(group => group.Key, group => group.Select(failure => failure.ErrorMessage).ToArray());
        var first = result.Errors[0];
        var code = first.ErrorCode.Contains("Validator", StringComparison.Ordinal) ? ErrorCodes.InvalidRequest : first.ErrorCode;
        throw new InvalidRequestException(code, first.ErrorMessage, errors);
    }

    public static void Content<T>(this IRuleBuilderInitial<T, string?> rule) => rule
        .Cascade(CascadeMode.Stop)
        .NotEmpty().WithErrorCode(ErrorCodes.ContentRequired).WithMessage("A message needs some text.")
        .MaximumLength(MaxContentLength).WithErrorCode(ErrorCodes.ContentTooLong)
        .WithMessage($"A message may have {MaxContentLength} characters at most.");

    public static void Title<T>(this IRuleBuilder<T, string?> rule) => rule
        .MaximumLength(MaxTitleLength).WithMessage($"A title may have {MaxTitleLength} characters at most.")
        .Must(HasNoControlCharacters).WithMessage("A title may not have control characters.");

    public static bool HasNoControlCharacters(string? text) => text is null || !text.Any(char.IsControl);

    public static bool IsMetadata(JsonElement value) => value.ValueKind == JsonValueKind.Object
        && Encoding.UTF8.GetByteCount(value.GetRawText()) <= MaxMetadataBytes && IsFlat(value, MaxMetadataDepth);

    private static bool IsFlat(JsonElement value, int levels) => value.ValueKind switch
    {
        JsonValueKind.Object => levels > 0 && value.EnumerateObject().All(property => IsFlat(property.Value, levels - 1)),
        JsonValueKind.Array => levels > 0 && value.EnumerateArray().All(item => IsFlat(item, levels - 1)),
        _ => true,
    };

    /// <summary>The role as it stands on the wire; null if there is no such role for clients.</summary>
    public static MessageRole? ParseRole(string? role) => role switch
    {
        "user" => MessageRole.User,
        "assistant" => MessageRole.Assistant,
        _ => null,
    };
}
