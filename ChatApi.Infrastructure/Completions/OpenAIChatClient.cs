using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Azure.Identity;
using ChatApi.Application;
using ChatApi.Application.Errors;
using Microsoft.Extensions.AI;
using SdkChatClient = OpenAI.Chat.ChatClient;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// OpenAI, servers that speak like it, and Azure OpenAI. The SDK addresses and signs the request; its answer is read here,
/// because the SDK's own reader throws at the oddities of other servers and takes a broken answer for a complete one.
/// The stream just ends when the upstream's does: only a finish reason says that the reply is complete.
/// </summary>
internal sealed class OpenAIChatClient(CompletionOptions options, HttpClient http, TimeProvider timeProvider) : IChatClient
{
    private const int MaxErrorBytes = 64 * 1024;

    /// <summary>So much text, in UTF-16 units, is written in less than a tenth of a millisecond.</summary>
    private const int MostAtOnce = 32 * 1024;

    /// <summary>By model: Azure has an address for each.</summary>
    private readonly ConcurrentDictionary<string, SdkChatClient> _sdks = new();
    private readonly ConcurrentDictionary<string, RequestDialect> _dialects = new();

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return new UpdateStream(token => new Updates(this, messages, options, token), cancellationToken);
    }

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToWholeResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata(ProviderName, defaultModelId: options.Model)
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() => http.Dispose();

    private string ProviderName => options.Provider == CompletionProvider.AzureOpenAI ? "azure.ai.openai" : "openai";

    private async Task<PipelineResponse> SendAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? chatOptions, CancellationToken cancellationToken)
    {
        var model = chatOptions?.ModelId ?? options.Model;

        // To open the first connection of a model, and to write much, takes a while.
        if (!_sdks.ContainsKey(model) || messages.Sum(message => message.Text.Length) > MostAtOnce)
            await PollingThread.LeaveAsync();
        while (true)
        {
            var dialect = _dialects.GetOrAdd(model, RequestDialect.Of(options.Provider));
            var response = await SendAsync(model, CompletionRequest.Write(model, messages, chatOptions, dialect), cancellationToken);
            if (response.Status is >= 200 and < 300)
                return response;

            using (response)
            {
                var error = UpstreamErrorBody.Parse(await ReadErrorAsync(response, cancellationToken));
                // Ends: each round leaves out a field that was sent in the one before.
                if (response.Status is not (400 or 422) || dialect.After(error) is not { } adapted)
                    throw UpstreamRefusal.ToException(response, error, timeProvider);
                _dialects[model] = adapted;
            }
        }
    }

    private async Task<PipelineResponse> SendAsync(string model, BinaryData request, CancellationToken cancellationToken)
    {
        var sdk = _sdks.GetOrAdd(model, static (name, client) => UpstreamConnection.Open(client.Options, name, client.Http), (Options: options, Http: http));
        var requestOptions = new RequestOptions
        {
            BufferResponse = false,
            ErrorOptions = ClientErrorBehaviors.NoThrow,
            CancellationToken = cancellationToken,
        };
        try
        {
            using var content = BinaryContent.Create(request);
            return (await sdk.CompleteChatAsync(content, requestOptions)).GetRawResponse();
        }
        catch (Exception failure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw failure switch
            {
                AuthenticationFailedException => CompletionFailures.Misconfigured(new UpstreamRefusedException("No token from Entra ID.")),
                OperationCanceledException => CompletionFailures.TimedOut(new UpstreamRefusedException("No connection in time.")),
                _ => CompletionFailures.Failed(retryable: true, new UpstreamRefusedException(Reason(failure))),
            };
        }
    }

    /// <summary>Why there is no connection, without the host that the exceptions name.</summary>
    private static string Reason(Exception failure) => failure.InnerException is HttpRequestException request
        ? $"No connection: {request.HttpRequestError}."
        : $"No connection: {failure.GetBaseException().GetType().Name}.";

    private static async Task<byte[]> ReadErrorAsync(PipelineResponse response, CancellationToken cancellationToken)
    {
        var body = new byte[MaxErrorBytes];
        var length = 0;
        try
        {
            length = await (response.ContentStream ?? Stream.Null).ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken);
        }
        catch (IOException)
        {
            // The status has arrived, and says enough.
        }

        return body[..length];
    }

    /// <summary>Asks with the first step, and reads with each.</summary>
    private sealed class Updates(OpenAIChatClient client, IEnumerable<ChatMessage> messages, ChatOptions? chatOptions, CancellationToken cancellationToken)
        : IAsyncEnumerator<ChatResponseUpdate>
    {
        private readonly CompletionChunkReader _chunks = new();
        private readonly List<AIContent> _alike = [];
        private PipelineResponse? _response;
        private EventStreamReader? _events;
        private bool _hasEnded;

        public ChatResponseUpdate Current { get; private set; } = null!;

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public async ValueTask<bool> MoveNextAsync()
        {
            if (_hasEnded)
                return false;
            _events ??= await OpenAsync();
            try
            {
                do
                {
                    if (Next(_events))
                        return true;
                    if (_chunks.IsDone)
                        break;
                    await _events.WaitAsync(cancellationToken);
                }
                while (_events.Advance(await _events.ReadAsync(cancellationToken)));
            }
            catch (Exception failure)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!_chunks.IsFinished) // Else the model has said all it had to say.
                    throw Failure(failure);
            }

            return End();
        }

        public ValueTask DisposeAsync()
        {
            _events?.Dispose();
            _response?.Dispose();
            return default;
        }

        private async Task<EventStreamReader> OpenAsync()
        {
            var exchange = ModelConnection.Follow();
            _response = await client.SendAsync(messages, chatOptions, cancellationToken);
            return new(_response.ContentStream ?? Stream.Null, IsChunked(_response) ? exchange : null);
        }

        /// <summary>Only of such a body it can be seen on the connection whether more of it has to come.</summary>
        private static bool IsChunked(PipelineResponse response) =>
            response.Headers.TryGetValue("Transfer-Encoding", out var coding) && coding == "chunked";

        /// <summary>The next update in what has arrived, with the texts of all chunks after it that have arrived, too, and are alike.</summary>
        private bool Next(EventStreamReader events)
        {
            while (!_chunks.IsDone && events.TryRead(out var data, out var isError))
            {
                if (_chunks.Read(data, isError) is not { } update)
                    continue;
                while (events.TryRead(out data, out isError))
                {
                    if (!_chunks.TryReadAlike(data, isError, out var content))
                    {
                        events.PutBack();
                        break;
                    }

                    if (content is not null)
                        _alike.Add(content);
                }

                if (_alike.Count > 0)
                    update.Contents = [.. update.Contents, .. _alike];
                _alike.Clear();
                Current = update;
                return true;
            }

            return false;
        }

        private bool End()
        {
            _hasEnded = true;
            if (!_chunks.HasBegun)
                throw CompletionFailures.Failed(retryable: false); // A web page, or nothing at all.
            if (_chunks.End() is not { } last)
                return false;
            Current = last;
            return true;
        }

        private static CompletionException Failure(Exception failure) => failure switch
        {
            CompletionException known => known,
            JsonException => CompletionFailures.Failed(retryable: true, failure),
            _ => CompletionFailures.Truncated(failure),
        };
    }
}
