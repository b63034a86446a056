using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>What a team would bring: nothing of ChatApi's in it but the exception, and that only where it wants to.</summary>
internal sealed class TeamsModel(params string[] pieces) : IChatClient
{
    /// <summary>Who asks: of a request alone.</summary>
    public static readonly AsyncLocal<string?> Request = new();

    public Exception? Failure { get; init; }

    public bool IsSilent { get; init; }

    /// <summary>It blocks until this is set.</summary>
    public ManualResetEventSlim? Gate { get; init; }

    public bool HasFinishReason { get; init; } = true;

    public IReadOnlyList<ChatMessage> Asked { get; private set; } = [];

    public string? AskedBy { get; private set; }

    public ChatOptions? Options { get; private set; }

    /// <summary>Only its enumerator is told of cancellation: that is enough for an <see cref="IAsyncEnumerable{T}"/>.</summary>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        (Asked, AskedBy, Options) = ([.. messages], Request.Value, options);
        return StreamAsync(CancellationToken.None);
    }

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("the team's", defaultModelId: "teams-model") : null;

    public void Dispose()
    {
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Gate?.Wait(cancellationToken);
        if (IsSilent)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        foreach (var piece in pieces)
        {
            await Task.Yield();
            yield return new ChatResponseUpdate(ChatRole.Assistant, piece) { ModelId = "teams-model-2" };
        }

        if (Failure is not null)
            throw Failure;
        yield return Counted(10, 5);
        yield return Counted(20, 7);
        if (HasFinishReason)
            yield return new ChatResponseUpdate { FinishReason = ChatFinishReason.Stop };
    }

    private static ChatResponseUpdate Counted(int input, int output) =>
        new(ChatRole.Assistant, [new UsageContent(new UsageDetails { InputTokenCount = input, OutputTokenCount = output })]);
}
