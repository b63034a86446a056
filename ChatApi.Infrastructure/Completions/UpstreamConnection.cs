using System.ClientModel;
using System.ClientModel.Primitives;
using Azure.AI.OpenAI;
using Azure.Identity;
using OpenAI;
using SdkChatClient = OpenAI.Chat.ChatClient;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Sets up the SDK's client: addressing and authentication are its own. Retries and time limits are ours: the SDK tries
/// four times within milliseconds, sleeps for as long as a server asks, and takes comment lines for signs of life.
/// </summary>
internal static class UpstreamConnection
{
    public static SdkChatClient Open(CompletionOptions options, string model, HttpClient http) => options.Provider == CompletionProvider.AzureOpenAI
        ? Azure(options, Common(new AzureOpenAIClientOptions(), http)).GetChatClient(model)
        : new SdkChatClient(model, Key(options.ApiKey), OpenAI(options, Common(new OpenAIClientOptions(), http)));

    /// <summary>Connections are shared by all replies, and renewed in time to follow a change of address.</summary>
    public static HttpClient CreateHttpClient(CompletionOptions options) => new(new SocketsHttpHandler
    {
        ConnectTimeout = options.ConnectTimeout,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        AllowAutoRedirect = false,
        UseCookies = false,
        PlaintextStreamFilter = static (context, _) => new(new ModelConnection(context.PlaintextStream)),
        // After [DONE] the rest of the framing is read and the connection used again. A reply that was left half-way would
        // be read on for as long, which the model would take for interest.
        ResponseDrainTimeout = TimeSpan.FromMilliseconds(100),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private static AzureOpenAIClient Azure(CompletionOptions options, AzureOpenAIClientOptions azure) => options.ApiKey is { } key
        ? new AzureOpenAIClient(options.Endpoint, new ApiKeyCredential(key), azure)
        : new AzureOpenAIClient(options.Endpoint, new DefaultAzureCredential(), azure);

    private static OpenAIClientOptions OpenAI(CompletionOptions options, OpenAIClientOptions openAI)
    {
        if (options.Endpoint is not null)
            openAI.Endpoint = options.Endpoint;
        return openAI;
    }

    /// <summary>Servers without a key take any; the SDK takes no empty one.</summary>
    private static ApiKeyCredential Key(string? key) => new(key ?? "none");

    private static TOptions Common<TOptions>(TOptions options, HttpClient http) where TOptions : ClientPipelineOptions
    {
        options.Transport = new HttpClientPipelineTransport(http);
        options.RetryPolicy = new ClientRetryPolicy(0);
        options.NetworkTimeout = Timeout.InfiniteTimeSpan;
        // Its logs could hold addresses and bodies.
        options.ClientLoggingOptions = new ClientLoggingOptions { EnableLogging = false };
        return options;
    }
}
