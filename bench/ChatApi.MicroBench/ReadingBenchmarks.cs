using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using BenchmarkDotNet.Attributes;
using ChatApi.Infrastructure.Completions;
using Microsoft.Extensions.AI;

namespace ChatApi.MicroBench;

/// <summary>Reading what the model says: one chunk, and a whole reply of 200 through the SDK, without a network.</summary>
[MemoryDiagnoser]
public class ReadingBenchmarks : IDisposable
{
    private const int Pieces = 200;
    private const string Piece = " token";

    private static readonly byte[] Chunk = Encoding.UTF8.GetBytes(Json($$"""{"content":"{{Piece}}"}""", "null"));
    private static readonly byte[] Another = [.. "{\"n\":1,"u8, .. Chunk.AsSpan(1)];

    private static readonly byte[] Body = Encoding.UTF8.GetBytes(string.Concat(
        Enumerable.Repeat($"data: {Encoding.UTF8.GetString(Chunk)}\n\n", Pieces).Append($"data: {Json("{}", "\"stop\"")}\n\ndata: [DONE]\n\n")));

    private readonly CompletionChunkReader _reader = new();
    private readonly CompletionChunkReader _alike = new();
    private bool _isEven;
    private readonly ChatMessage[] _question = [new(ChatRole.User, "What happened then?")];
    private readonly OpenAIChatClient _client = new(
        new CompletionOptions { Provider = CompletionProvider.OpenAICompatible, Model = "gpt-4o-mini", Endpoint = new Uri("http://127.0.0.1/v1") },
        new HttpClient(new Answer()),
        TimeProvider.System);

    /// <summary>Disposes of the client.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _client.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The JSON of one event, unlike the one before.</summary>
    /// <exception cref="InvalidOperationException">It read another text.</exception>
    [Benchmark]
    public string ChunkOfJson() => Text(_reader, (_isEven = !_isEven) ? Chunk : Another);

    /// <summary>An event like the one before.</summary>
    /// <exception cref="InvalidOperationException">It read another text.</exception>
    [Benchmark]
    public string ChunkLikeTheOneBefore() => Text(_alike, Chunk);

    /// <summary>Request, answer, events and JSON; per piece.</summary>
    /// <exception cref="InvalidOperationException">It read another text.</exception>
    [Benchmark(OperationsPerInvoke = Pieces)]
    public async Task<int> PieceOfReply()
    {
        var length = 0;
        await foreach (var update in _client.GetStreamingResponseAsync(_question))
            length += update.Text.Length;
        return length == Pieces * Piece.Length ? length : throw new InvalidOperationException($"{length} characters were read.");
    }

    private static string Text(CompletionChunkReader reader, byte[] chunk) =>
        reader.Read(chunk, isError: false)?.Text is Piece ? Piece : throw new InvalidOperationException("Another text was read.");

    private static string Json(string delta, string finishReason) =>
        $$"""{"id":"chatcmpl-CbP3m0dT1qWvK8sYxR2nE5hJ7uLa4","object":"chat.completion.chunk","model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_560af6e559","service_tier":"default","created":1700000000,"choices":[{"index":0,"delta":{{delta}},"logprobs":null,"finish_reason":{{finishReason}}}],"usage":null}""";

    private sealed class Answer : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
            {
                // Like a network's, a stream that cannot go back.
                Content = new StreamContent(PipeReader.Create(new ReadOnlySequence<byte>(Body)).AsStream()),
                RequestMessage = request,
            });
    }
}
