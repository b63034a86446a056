using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>Reads a UI message stream of the AI SDK's, and fails at the first byte that it does not allow.</summary>
public sealed class UIReply : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader? _reader;
    private readonly List<JsonElement> _parts = [];

    private UIReply(HttpResponseMessage response, StreamReader? reader)
    {
        _response = response;
        _reader = reader;
    }

    public HttpResponseMessage Response => _response;

    /// <summary>The parts so far.</summary>
    public IReadOnlyList<JsonElement> Parts => _parts;

    public IEnumerable<string> Types => _parts.Select(TypeOf);

    public string Text => string.Concat(_parts.Where(part => TypeOf(part) == "text-delta").Select(part => part.GetProperty("delta").GetString()));

    public string MessageId => _parts[0].GetProperty("messageId").GetString()!;

    /// <summary>The <c>id:</c> lines so far.</summary>
    public List<string> Ids { get; } = [];

    /// <summary>A question of the user's as the AI SDK sends it, after the messages that are given.</summary>
    public static object Body(string chat, string? id, string? text, string trigger = "submit-message", string? messageId = null, params IEnumerable<(string Id, string Role, string Text)> before) => new
    {
        id = chat,
        messages = before.Append((Id: id!, Role: "user", Text: text!)).Select(message => new { id = message.Id, role = message.Role, parts = new[] { new { type = "text", text = message.Text } } }),
        trigger,
        messageId,
    };

    public static async Task<UIReply> PostAsync(ApiClient user, object body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat/ui") { Content = JsonContent.Create(body, ApiClient.JsonType, JsonSerializerOptions.Default) };
        // With its length, as browsers send it.
        await request.Content.LoadIntoBufferAsync();
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await OpenAsync(user, request);
    }

    public static Task<UIReply> ResumeAsync(ApiClient user, string chat) =>
        OpenAsync(user, new HttpRequestMessage(HttpMethod.Get, $"/api/chat/ui/{chat}/stream"));

    /// <summary>The answer, where there is no stream but a refusal.</summary>
    public Task<ApiAnswer> RefusalAsync() => ApiAnswer.ReadAsync(_response);

    /// <summary>Reads to a part of this type.</summary>
    public async Task<JsonElement> UntilAsync(string type)
    {
        while (await NextAsync() is { } part)
            if (TypeOf(part) == type)
                return part;
        throw new AssertionException($"The stream ended without {type}: {string.Join(' ', Types)}");
    }

    /// <summary>Reads to the end, which must be told.</summary>
    public async Task<UIReply> ReadToEndAsync()
    {
        while (await NextAsync() is not null)
        {
        }

        return this;
    }

    public ValueTask DisposeAsync()
    {
        _response.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string TypeOf(JsonElement part) => part.GetProperty("type").GetString()!;

    private static async Task<UIReply> OpenAsync(ApiClient user, HttpRequestMessage request)
    {
        var response = await user.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (response.StatusCode != HttpStatusCode.OK)
            return new UIReply(response, null);
        Assert.That(response.Content.Headers.ContentType!.ToString(), Is.EqualTo("text/event-stream"));
        Assert.That(response.Headers.GetValues("x-vercel-ai-ui-message-stream"), Is.EqualTo(["v1"]));
        return new UIReply(response, new StreamReader(await response.Content.ReadAsStreamAsync(), new UTF8Encoding(false, throwOnInvalidBytes: true)));
    }

    /// <summary>The next part; null after <c>[DONE]</c>, with which the connection closes.</summary>
    private async Task<JsonElement?> NextAsync()
    {
        Assert.That(_reader, Is.Not.Null, $"No stream, but {_response.StatusCode}");
        using var patience = new CancellationTokenSource(Poll.Patience);
        while (true)
        {
            var line = await _reader!.ReadLineAsync(patience.Token);
            if (line == ": ping")
            {
                Assert.That(await _reader.ReadLineAsync(patience.Token), Is.Empty);
                continue;
            }

            Assert.That(line, Does.StartWith("data: "), $"after {string.Join(' ', Types)}");
            var next = await _reader.ReadLineAsync(patience.Token);
            if (line == "data: [DONE]")
            {
                Assert.That(next, Is.Empty);
                Assert.That(await _reader.ReadLineAsync(patience.Token), Is.Null, "Nothing comes after the end.");
                return null;
            }

            if (next is { Length: > 0 })
            {
                Assert.That(next, Does.StartWith("id: "));
                Ids.Add(next[4..]);
                next = await _reader.ReadLineAsync(patience.Token);
            }

            Assert.That(next, Is.Empty);
            _parts.Add(JsonDocument.Parse(line![6..]).RootElement);
            return _parts[^1];
        }
    }
}
