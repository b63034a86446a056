using System.Text.Json;
using System.Text.Json.Serialization;
using ChatApi.Application.Runs;
using FluentValidation;

namespace ChatApi.Application.UIChats;

/// <summary>What <c>useChat</c> of the Vercel AI SDK sends.</summary>
/// <param name="Id">What the client calls the conversation: 1 to 128 visible ASCII characters, none of <c>/ \ ? # %</c>. The first question opens it. The id of one of the user's sessions names that one.</param>
/// <param name="Messages">The conversation as the client shows it. Its last message counts; the one before it says after what it was asked; all others are ignored.</param>
/// <param name="Trigger"><c>submit-message</c>, also if absent, or <c>regenerate-message</c>.</param>
/// <param name="MessageId">Which reply is to be made anew; the last one if absent.</param>
public sealed record UIChatRequest(
    string? Id,
    [property: JsonConverter(typeof(LastMessages))] IReadOnlyList<UIMessage>? Messages,
    string? Trigger,
    [property: JsonPropertyName("messageId")] string? MessageId) : SettingsRequest
{
    internal bool IsRegenerate => Trigger == "regenerate-message";
}

/// <summary>A message as the AI SDK has it.</summary>
/// <param name="Id">What the client calls it: 1 to 128 visible ASCII characters.</param>
/// <param name="Role"><c>user</c>, if it is the question.</param>
/// <param name="Parts">Its parts; those of a question are text.</param>
/// <param name="Metadata">A JSON object of the client's, 4 096 bytes at most, which is given back as it is.</param>
public sealed record UIMessage(string? Id, string? Role, IReadOnlyList<UIPart>? Parts, JsonElement? Metadata);

/// <summary>A part of a message.</summary>
/// <param name="Type"><c>text</c>.</param>
/// <param name="Text">The text.</param>
public sealed record UIPart(string? Type, string? Text);

/// <summary>The client sends the whole conversation with each question: of all but the last two messages nothing is kept.</summary>
internal sealed class LastMessages : JsonConverter<IReadOnlyList<UIMessage>>
{
    public override IReadOnlyList<UIMessage> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException();
        Utf8JsonReader previous = default, last = default;
        var count = 0;
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new JsonException();
            previous = last;
            last = reader;
            reader.Skip();
        }

        var messages = new List<UIMessage>(2);
        if (count > 1)
            messages.Add(new(JsonSerializer.Deserialize<Named>(ref previous, options)!.Id, null, null, null));
        if (count > 0)
            messages.Add(JsonSerializer.Deserialize<UIMessage>(ref last, options)!);
        return messages;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<UIMessage> value, JsonSerializerOptions options) =>
        throw new NotSupportedException("Requests are only read.");

    private sealed record Named(string? Id);
}

internal sealed class UIChatRequestValidator : AbstractValidator<UIChatRequest>
{
    public UIChatRequestValidator()
    {
        RuleFor(request => request.Id).Must(ClientNames.IsValidInPath)
            .WithMessage($"The id of a chat has 1 to {ClientNames.MaxLength} visible ASCII characters, and none of / \\ ? # %.");
        RuleFor(request => request.Trigger).Must(trigger => trigger is null or "submit-message" or "regenerate-message")
            .WithMessage("The trigger must be submit-message or regenerate-message.");
        RuleFor(request => request.Messages).NotEmpty().WithMessage("There is no message.");
    }
}

/// <summary>The message that asks.</summary>
internal sealed class UIQuestionValidator : AbstractValidator<UIMessage>
{
    public UIQuestionValidator()
    {
        RuleLevelCascadeMode = ClassLevelCascadeMode = CascadeMode.Stop;
        RuleFor(message => message.Role).Equal("user").WithMessage("The last message must be the user's.");
        RuleFor(message => message.Id).Must(ClientNames.IsValid)
            .WithMessage($"The id of a message has 1 to {ClientNames.MaxLength} visible ASCII characters, and no slash.");
        RuleFor(message => message.Parts).Must(parts => parts is null || parts.All(part => part is { Type: "text", Text: not null }))
            .WithMessage("Only text can be asked here: the message has a part of another type, a file say.");
    }

    public static string TextOf(UIMessage message) => string.Concat((message.Parts ?? []).Select(part => part.Text));
}
