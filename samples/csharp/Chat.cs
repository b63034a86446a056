// Asks in a new conversation, and prints the replies as they are made: dotnet run Chat.cs -- "Hola" "¿Y mañana?"
// Needs the .NET 10 SDK and no package. Ctrl+C stops a reply; its text so far is kept.
#:property PublishAot=false
#:property Nullable=enable

using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;

using var client = new HttpClient { BaseAddress = new Uri(Setting("CHATAPI_URL", "http://localhost:5000")), Timeout = Timeout.InfiniteTimeSpan };
try
{
    var chat = await Chat.OpenAsync(client, Setting("CHATAPI_EMAIL", "test@example.com"), Setting("CHATAPI_PASSWORD", "password123"));
    Console.CancelKeyPress += (_, key) =>
    {
        key.Cancel = chat.IsReplying;
        _ = chat.StopAsync();
    };
    foreach (var question in args)
    {
        await chat.AskAsync(question, Console.Write);
        Console.WriteLine();
    }

    return 0;
}
catch (Exception failure) when (failure is HttpRequestException or ChatException)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}

static string Setting(string name, string fallback) => Environment.GetEnvironmentVariable(name) ?? fallback;

/// <summary>One conversation.</summary>
internal sealed class Chat
{
    // A server that died is noticed by the others within 30 s: the waits add up to more than that.
    private static readonly double[] Waits = [0.5, 1, 2, 4, 8, 8, 8, 8];

    // The server says something every 15 s: after three such silences nobody is there, whatever the socket believes.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(45);

    private readonly HttpClient _client;
    private readonly string _realtime;
    private string? _run;

    private Chat(HttpClient client, string session) => (_client, _realtime) = (client, $"/api/chat/realtime/sessions/{session}");

    public bool IsReplying => _run is not null;

    public static async Task<Chat> OpenAsync(HttpClient client, string email, string password)
    {
        using var signIn = await SucceedAsync(await client.PostAsJsonAsync("/api/auth/login", new { email, password }));
        var token = (await signIn.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var created = await SucceedAsync(await client.PostAsJsonAsync("/api/chat/realtime/sessions", new { }));
        return new Chat(client, (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!);
    }

    /// <summary>Asks, and follows the reply over as many connections as it takes.</summary>
    public async Task AskAsync(string content, Action<string> write)
    {
        // Should the answer get lost, the same key makes it safe to ask again: it leads to the reply that was begun.
        var key = Guid.NewGuid().ToString();
        var seq = 0;
        _run = null;
        for (var failures = 0; ; failures++)
        {
            try
            {
                using var request = _run is null
                    ? new HttpRequestMessage(HttpMethod.Post, $"{_realtime}/stream") { Content = JsonContent.Create(new { content }), Headers = { { "Idempotency-Key", key } } }
                    : new HttpRequestMessage(HttpMethod.Get, $"{_realtime}/stream") { Headers = { { "Last-Event-ID", $"{_run}:{seq}" } } };
                using var watchdog = new CancellationTokenSource(Silence);
                using var response = await SucceedAsync(await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, watchdog.Token));
                await using var body = new Watched(await response.Content.ReadAsStreamAsync(watchdog.Token), () => watchdog.CancelAfter(Silence));
                await foreach (var item in SseParser.Create(body).EnumerateAsync(watchdog.Token))
                {
                    failures = 0;
                    var data = JsonElement.Parse(item.Data);
                    switch (data.GetProperty("type").GetString())
                    {
                        case "start":
                            _run = data.GetProperty("run_id").GetString();
                            break;
                        case "content" when data.GetProperty("seq").GetInt32() is var next && next > seq:
                            seq = next;
                            write(data.GetProperty("content").GetString()!);
                            break;
                        case "done":
                            _run = null;
                            return;
                        case "error":
                            throw new ChatException(null, data.GetProperty("error").GetString()!);
                    }
                }
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException || (broken is ChatException refusal && (IsReplying || failures > 0) && Passes(refusal.Status)))
            {
            }

            if (failures == Waits.Length)
                throw new ChatException(null, "The connection broke off.");
            await Task.Delay(TimeSpan.FromSeconds(Waits[failures]));
        }
    }

    /// <summary>Ends the reply. Its text so far is kept, and the stream comes to its end.</summary>
    public async Task StopAsync()
    {
        if (_run is { } run)
            using (await _client.PostAsJsonAsync($"{_realtime}/stop", new { run_id = run }))
            {
            }
    }

    /// <summary>To the first request a refusal is the answer. Once something broke, or the reply has begun, what passes is waited for.</summary>
    private static bool Passes(HttpStatusCode? status) => status == HttpStatusCode.TooManyRequests || status >= HttpStatusCode.InternalServerError;

    private static async Task<HttpResponseMessage> SucceedAsync(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            var sentence = $"The server answered {(int)response.StatusCode}.";
            if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
                sentence = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString()!;
            throw new ChatException(response.StatusCode, sentence);
        }
    }
}

/// <summary>An answer that is not a success, or a reply that failed.</summary>
internal sealed class ChatException(HttpStatusCode? status, string message) : Exception(message)
{
    public HttpStatusCode? Status => status;
}

/// <summary>A stream that tells of each read that brought something: also of comments, which a parser keeps to itself.</summary>
internal sealed class Watched(Stream stream, Action onRead) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await stream.ReadAsync(buffer, cancellationToken);
        onRead();
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => stream.DisposeAsync();
}
