using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>Streams are the one way in which replies are read here; this makes the whole of one.</summary>
internal static class ChatResponseUpdateExtensions
{
    /// <exception cref="Application.Errors.CompletionException">Also if the stream ended before the model had finished.</exception>
    public static async Task<ChatResponse> ToWholeResponseAsync(
        this IAsyncEnumerable<ChatResponseUpdate> updates, CancellationToken cancellationToken)
    {
        var response = await updates.ToChatResponseAsync(cancellationToken);
        return response.FinishReason is null ? throw CompletionFailures.Truncated() : response;
    }
}
