using System.Text;
using ChatApi.Application.Errors;
using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>What came of one completion, as a caller of the port sees it.</summary>
internal sealed record Completion(
    string Text, int Pieces, ChatFinishReason? FinishReason, string? Model, UsageDetails? Usage, CompletionException? Failure)
{
    public const string Key = "sk-canary-8f2e";

    public static readonly ChatMessage[] Question = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "¿Qué tal? 👋")];

    /// <summary>Reads a stream to its end, whatever the end is.</summary>
    public static async Task<Completion> ReadAsync(
        IChatClient client, ChatOptions? options = null, IEnumerable<ChatMessage>? messages = null, CancellationToken cancellationToken = default)
    {
        var text = new StringBuilder();
        var pieces = 0;
        ChatFinishReason? finish = null;
        string? model = null;
        UsageDetails? usage = null;
        CompletionException? failure = null;
        try
        {
            await foreach (var update in client.GetStreamingResponseAsync(messages ?? Question, options, cancellationToken))
            {
                text.Append(update.Text);
                pieces += update.Contents.OfType<TextContent>().Count(content => content.Text.Length > 0);
                finish ??= update.FinishReason;
                model ??= update.ModelId;
                usage = update.Contents.OfType<UsageContent>().SingleOrDefault()?.Details ?? usage;
            }
        }
        catch (CompletionException thrown)
        {
            failure = thrown;
        }

        return new Completion(text.ToString(), pieces, finish, model, usage, failure);
    }

    /// <summary>One completion from this script, by the bare client.</summary>
    public static async Task<Completion> OfAsync(ScriptedUpstreamReply reply)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Enqueue(reply);
        using var client = Bare(Options(upstream));
        return await ReadAsync(client);
    }

    public static CompletionOptions Options(ScriptedUpstream upstream, CompletionProvider provider = CompletionProvider.OpenAICompatible) => new()
    {
        Provider = provider,
        Model = "the-model",
        Endpoint = provider == CompletionProvider.AzureOpenAI ? upstream.Address : new Uri(upstream.BaseUrl),
        ApiKey = provider == CompletionProvider.OpenAICompatible ? null : Key,
    };

    public static OpenAIChatClient Bare(CompletionOptions options, TimeProvider? timeProvider = null) =>
        new(options, UpstreamConnection.CreateHttpClient(options), timeProvider ?? TimeProvider.System);

    public static IChatClient Whole(CompletionOptions options, TimeProvider? timeProvider = null) =>
        CompletionsServiceCollectionExtensions.Upstream(options, timeProvider ?? TimeProvider.System, NullLogger<RetryingChatClient>.Instance);
}
