using System.Text.Json.Serialization;
using ChatApi.Application.Messages;
using ChatApi.Domain;

namespace ChatApi.Application.UIChats;

/// <summary>A message as the Vercel AI SDK has it.</summary>
/// <param name="Id">Of a question what its client calls it, if it does; otherwise the UUID.</param>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Parts">One part, the text.</param>
/// <param name="Metadata">Of a reply how it came about, as the stream says at its end; of a question what its client gave.</param>
public sealed record UIMessageResponse(
    string Id, MessageRole Role, IReadOnlyList<UITextPart> Parts,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] object? Metadata)
{
    internal static UIMessageResponse From(ChatMessage message) => new(
        message.ClientId ?? message.Id.ToString(),
        message.Role,
        [new("text", message.Content, "done")],
        message.Role == MessageRole.Assistant ? UIReplyMetadata.From(message) : MessageResponse.ParseMetadata(message.Metadata));
}

/// <summary>Text.</summary>
/// <param name="Type"><c>text</c>.</param>
/// <param name="Text">The text, exactly as it was given.</param>
/// <param name="State"><c>done</c>: nothing will be added.</param>
public sealed record UITextPart(string Type, string Text, string State);

/// <summary>How a reply came about.</summary>
/// <param name="Status"><c>completed</c>, <c>stopped</c>, <c>failed</c> or <c>interrupted</c>.</param>
/// <param name="FinishReason">Why the model ended, in its own word; <c>stopped</c> where somebody stopped it.</param>
/// <param name="Model">The model, as it names itself.</param>
/// <param name="Usage">What it cost.</param>
public sealed record UIReplyMetadata(
    RunStatus Status, [property: JsonPropertyName("finishReason")] string? FinishReason, string? Model, UIUsage? Usage)
{
    internal static UIReplyMetadata From(ChatMessage reply) => new(
        reply.Status, reply.FinishReason, reply.Model,
        reply.Usage is { } usage ? new(usage.PromptTokens, usage.CompletionTokens, usage.TotalTokens, usage.Estimated) : null);
}

/// <summary>What a reply cost, in the AI SDK's words.</summary>
/// <param name="InputTokens">Tokens of what the model was shown.</param>
/// <param name="OutputTokens">Tokens of the reply.</param>
/// <param name="TotalTokens">Both.</param>
/// <param name="Estimated">Whether they were counted here, because the model did not say.</param>
public sealed record UIUsage(
    [property: JsonPropertyName("inputTokens")] int InputTokens,
    [property: JsonPropertyName("outputTokens")] int OutputTokens,
    [property: JsonPropertyName("totalTokens")] int TotalTokens,
    bool Estimated);
