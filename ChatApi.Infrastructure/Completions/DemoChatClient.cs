using System.Runtime.CompilerServices;
using ChatApi.Application.Abstractions;
using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Answers without any model, so that everything around it can be tried without a key. The same conversation gets the same
/// answer, word by word.
/// </summary>
internal sealed class DemoChatClient(ITokenCounter tokens, TimeSpan wordDelay, TimeProvider timeProvider) : IChatClient
{
    public const string Model = "demo";

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync([.. messages], cancellationToken);
    }

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToWholeResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata(Model, defaultModelId: Model)
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        IReadOnlyList<ChatMessage> messages, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reply = DemoReply.To(messages);
        foreach (var word in Words(reply))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (wordDelay > TimeSpan.Zero)
                await Task.Delay(wordDelay, timeProvider, cancellationToken);
            yield return new ChatResponseUpdate(ChatRole.Assistant, word) { ModelId = Model };
        }

        var input = messages.Sum(message => (long)tokens.Count(message.Text));
        var output = tokens.Count(reply);
        var usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output };
        yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(usage)])
        {
            ModelId = Model,
            FinishReason = ChatFinishReason.Stop,
        };
    }

    /// <summary>Each word with the space that follows it.</summary>
    private static IEnumerable<string> Words(string text)
    {
        var start = 0;
        for (var i = 1; i < text.Length; i++)
        {
            if (!char.IsWhiteSpace(text[i - 1]) || char.IsWhiteSpace(text[i]))
                continue;
            yield return text[start..i];
            start = i;
        }

        yield return text[start..];
    }
}
