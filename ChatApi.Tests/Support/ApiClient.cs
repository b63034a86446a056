using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>One user, or nobody, before a running ChatApi.</summary>
/// <param name="server">Where to.</param>
/// <param name="userId">Who; empty for nobody.</param>
/// <param name="token">What signs in; null for nothing.</param>
/// <param name="through">Another address of the server's, a proxy's say.</param>
public sealed class ApiClient(ChatApiProcess server, Guid userId, string? token, Uri? through = null)
{
    public static readonly MediaTypeHeaderValue JsonType = new("application/json");

    public HttpClient Http { get; } = server.Client(token, through);

    public Guid UserId => userId;

    public string? Token => token;

    /// <summary>A user that nobody has seen before.</summary>
    public static ApiClient NewUser(ChatApiProcess server)
    {
        var id = Guid.CreateVersion7();
        return new ApiClient(server, id, TestTokens.For(id));
    }

    public static ApiClient Nobody(ChatApiProcess server) => new(server, Guid.Empty, null);

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public Task<ApiAnswer> PostAsync(string path, object? body) => SendAsync(HttpMethod.Post, path, body);

    public Task<ApiAnswer> PutAsync(string path, object? body) => SendAsync(HttpMethod.Put, path, body);

    public Task<ApiAnswer> PatchAsync(string path, object? body) => SendAsync(HttpMethod.Patch, path, body);

    /// <summary>Posts a body byte by byte as it is written here.</summary>
    public Task<ApiAnswer> PostRawAsync(string path, string body, string? contentType = "application/json") =>
        PostRawAsync(path, Encoding.UTF8.GetBytes(body), contentType);

    /// <summary>Posts bytes.</summary>
    public Task<ApiAnswer> PostRawAsync(string path, byte[] body, string? contentType = "application/json")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        if (contentType is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return SendAsync(request);
    }

    public Task<ApiAnswer> SendAsync(HttpMethod method, string path, object? body = null)
    {
        var content = body is null ? null : JsonContent.Create(body, JsonType, JsonSerializerOptions.Default);
        return SendAsync(new HttpRequestMessage(method, path) { Content = content });
    }

    public async Task<ApiAnswer> SendAsync(HttpRequestMessage request)
    {
        using var response = await Http.SendAsync(request);
        request.Dispose();
        return await ApiAnswer.ReadAsync(response);
    }

    /// <summary>A new session; its id.</summary>
    public async Task<string> CreateSessionAsync(string? title = null)
    {
        var answer = await PostAsync("/api/chat/sessions", new { title });
        return answer.Expect(HttpStatusCode.Created)["id"];
    }

    /// <summary>Stores a message of the assistant's, which costs no turn; its id.</summary>
    public async Task<string> ImportAsync(string sessionId, string content)
    {
        var answer = await PostAsync($"/api/chat/sessions/{sessionId}/messages", new { role = "assistant", content });
        return answer.Expect(HttpStatusCode.Created)["id"];
    }

    /// <summary>The stored messages of a session, oldest first, as role and content.</summary>
    public async Task<IReadOnlyList<(string Role, string Content)>> StoredAsync(string sessionId)
    {
        var answer = await GetAsync($"/api/chat/sessions/{sessionId}/messages?limit=200");
        return [.. answer.Expect(HttpStatusCode.OK).Items
            .Select(message => (message.GetProperty("role").GetString()!, message.GetProperty("content").GetString()!))];
    }

    /// <summary>Runs a turn as a stream.</summary>
    public Task<ReplyReader> StreamAsync(string sessionId, string content, params (string Name, string Value)[] headers) =>
        StreamAsync($"/api/chat/realtime/sessions/{sessionId}/stream", new { content }, headers);

    /// <summary>Posts what is answered with a stream.</summary>
    public Task<ReplyReader> StreamAsync(string path, object body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, JsonType, JsonSerializerOptions.Default) };
        return OpenAsync(request, EventDialect.Post, headers);
    }

    /// <summary>Re-attaches to a run.</summary>
    /// <param name="sessionId">The session.</param>
    /// <param name="query">With its question mark; empty for the active run from its beginning.</param>
    /// <param name="headers">More headers.</param>
    public Task<ReplyReader> AttachAsync(string sessionId, string query = "", params (string Name, string Value)[] headers) =>
        OpenAsync(new HttpRequestMessage(HttpMethod.Get, $"/api/chat/realtime/sessions/{sessionId}/stream{query}"), EventDialect.EventSource, headers);

    private Task<ReplyReader> OpenAsync(HttpRequestMessage request, EventDialect dialect, (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return ReplyReader.OpenAsync(Http, request, dialect);
    }
}
