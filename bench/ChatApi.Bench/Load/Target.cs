using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ChatApi.Bench.Upstream;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Load;

/// <summary>A server that is asked: how to put a question to it, and how to check what it says.</summary>
/// <param name="addresses">Of all its processes.</param>
internal abstract class Target(IReadOnlyList<Uri> addresses)
{
    protected Uri Address => addresses[0];

    /// <summary>Asked in turn.</summary>
    public IReadOnlyList<EndPoint> EndPoints { get; } = [.. addresses.Select(address => new IPEndPoint(IPAddress.Loopback, address.Port))];

    /// <summary>Makes what so many users need; before anything is measured.</summary>
    public virtual Task PrepareAsync(int users) => Task.CompletedTask;

    /// <summary>A whole request of HTTP.</summary>
    public abstract byte[] Request(int user, string question);

    public abstract ReplyCheck Check(ReplyScript script, uint seed);

    protected byte[] Post(string path, string headers, string body) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"POST {path} HTTP/1.1\r\nHost: {Address.Authority}\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"));
}

/// <summary>What speaks the model's own language: the upstream, or a proxy before it.</summary>
internal sealed class CompletionsTarget(Uri address) : Target([address])
{
    public override byte[] Request(int user, string question) => Post(
        "/v1/chat/completions",
        "Authorization: Bearer bench\r\n",
        $$"""{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"{{question}}"}]}""");

    public override ReplyCheck Check(ReplyScript script, uint seed) => new PassThroughCheck(script, seed);
}

/// <summary>What speaks ChatApi's language. Each user has a token, and a session that lasts from one measurement to the next.</summary>
internal class ChatTarget(IReadOnlyList<Uri> addresses) : Target(addresses)
{
    private const int SetUpsAtOnce = 16;

    private readonly List<(string Token, string SessionId)> _users = [];

    protected IReadOnlyList<(string Token, string SessionId)> Users => _users;

    public override async Task PrepareAsync(int users)
    {
        using var client = new HttpClient { BaseAddress = Address };
        while (_users.Count < users)
            _users.AddRange(await Task.WhenAll(Enumerable.Range(0, Math.Min(SetUpsAtOnce, users - _users.Count)).Select(_ => NewUserAsync(client))));
    }

    public override byte[] Request(int user, string question) => Post(
        $"/api/chat/realtime/sessions/{_users[user].SessionId}/stream",
        $"Authorization: Bearer {_users[user].Token}\r\n",
        $$"""{"content":"{{question}}"}""");

    public override ReplyCheck Check(ReplyScript script, uint seed) => new EventCheck(script, seed);

    private static async Task<(string Token, string SessionId)> NewUserAsync(HttpClient client)
    {
        var token = TestTokens.For(Guid.CreateVersion7());
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat/realtime/sessions");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        using var answer = await client.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        using var session = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync());
        return (token, session.RootElement.GetProperty("id").GetString()!);
    }
}
