using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Conventions;

/// <summary>What a client library would mend, or not send at all.</summary>
public sealed class RawBytesTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Sessions = "/api/chat/sessions";

    [TestCase("x=%C3%28")]
    [TestCase("%FF=x")]
    [TestCase("x=%ED%A0%BD")]
    [TestCase("x=%C0%AF")]
    [TestCase("x=%F0%9F%91")]
    [TestCase("x=a%00b")]
    [TestCase("%00=x")]
    [TestCase("x=1&x=1")]
    public async Task A_query_that_is_no_text_is_400(string query)
    {
        foreach (var user in new[] { NewUser(), Nobody() })
        {
            var answer = await SendAsync(RawHttp.Request($"GET {Sessions}?{query}", user.Token, []));

            AssertProblem(answer, 400, "invalid_request");
        }
    }

    [TestCase("x=%EF%BF%BD")]
    [TestCase("x=%F0%9F%91%8B&y=%C3%B1+%25")]
    [TestCase("x=%&y=%zz")]
    public async Task A_query_that_is_text_is_taken(string query) =>
        Assert.That((await SendAsync(RawHttp.Request($"GET {Sessions}?{query}", NewUser().Token, []))).Status, Is.EqualTo(200));

    [TestCase("GET /api/chat/sessions/%00", "")]
    [TestCase("GET /api/chat/sessions?x=\u00ff", "")]
    [TestCase("GET /api/chat/sessions/\u00ff", "")]
    [TestCase("GET /api/chat/sessions", "X-Any: a\0b")]
    [TestCase("GET /api/chat/sessions", "X-Any: \u00ff\u00fe")]
    [TestCase("GET /api/chat/sessions", "No colon")]
    [TestCase("GET /api/chat/sessions", "Content-Length: -1")]
    [TestCase("GET  /api/chat/sessions", "")]
    [TestCase("", "")]
    public async Task What_is_no_request_is_400(string line, string header)
    {
        var answer = await SendAsync(RawHttp.Request(line, NewUser().Token, [], header.Length > 0 ? [header] : []));

        Assert.That(answer.Status, Is.EqualTo(400));
        Assert.That(answer.Body, Is.Empty, "The server itself says so, and no more.");
    }

    [Test]
    public async Task A_head_that_is_too_long_is_414_or_431()
    {
        Assert.That((await SendAsync(RawHttp.Request($"GET {Sessions}?x={new string('x', 10_000)}", null, []))).Status, Is.EqualTo(414));
        Assert.That((await SendAsync(RawHttp.Request($"GET {Sessions}", null, [], $"X-Any: {new string('x', 40_000)}"))).Status, Is.EqualTo(431));
    }

    [TestCase("Idempotency-Key", "\u00ff", 400)]
    [TestCase("Idempotency-Key", "", 400)]
    [TestCase("X-Request-ID", "\u00ff", 400)]
    public async Task A_header_that_is_no_ascii_is_400(string name, string value, int status)
    {
        var user = NewUser();

        var answer = await SendAsync(RawHttp.Request("POST /api/chat", user.Token, """{"content":"Hola"}"""u8.ToArray(), $"{name}: {value}"));

        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That((await user.GetAsync(Sessions)).Items, Is.Empty);
    }

    [Test]
    public async Task Text_in_chunks_that_split_its_characters_comes_back_as_it_was()
    {
        const string Title = "ñ 👩‍👩‍👧‍👦 日本 e\u0301 \u2028";
        var escaped = JsonSerializer.SerializeToUtf8Bytes(new { title = Title });
        byte[] raw = [.. "{\"title\":\""u8, .. Encoding.UTF8.GetBytes(Title), .. "\"}"u8];
        var user = NewUser();

        foreach (var bytes in new[] { escaped, raw })
        {
            var answer = await SendAsync([.. RawHttp.Request($"POST {Sessions}", user.Token, [], "Content-Type: application/json", "Transfer-Encoding: chunked"), .. OneByteChunks(bytes)]);

            Assert.That(answer.Status, Is.EqualTo(201));
            Assert.That(string.Equals(answer.Json.GetProperty("title").GetString(), Title, StringComparison.Ordinal), Is.True);
        }
    }

    [Test]
    public async Task A_body_that_drips_is_408()
    {
        var user = NewUser();
        var watch = Stopwatch.StartNew();
        var head = RawHttp.Request($"POST {Sessions}", user.Token, [], "Content-Type: application/json", "Content-Length: 100");

        // It comes to less than the server's least rate; it waits for some seconds before it says so.
        var answer = await SendAsync([.. head, .. "{\"title\":\"t"u8]);

        AssertProblem(answer, 408, "request_timeout");
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(20)));
        Assert.That((await user.GetAsync(Sessions)).Items, Is.Empty);
    }

    [Test]
    public async Task A_body_shorter_than_it_was_said_to_be_changes_nothing()
    {
        var user = NewUser();
        await using var stream = await RawHttp.OpenAsync(
            Server.Address, [.. RawHttp.Request($"POST {Sessions}", user.Token, [], "Content-Type: application/json", "Content-Length: 100"), .. """{"title":"x"}"""u8]);
        stream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        try
        {
            Assert.That(await RawHttp.ReadAsync(stream), Is.Empty.Or.StartsWith("HTTP/1.1 400 "));
        }
        catch (IOException)
        {
            // Who sends no more counts as gone, and is not answered.
        }

        Assert.That((await user.GetAsync(Sessions)).Expect(HttpStatusCode.OK).Items, Is.Empty);
    }

    private static byte[] OneByteChunks(byte[] body) =>
        [.. body.SelectMany(one => (byte[])[(byte)'1', (byte)'\r', (byte)'\n', one, (byte)'\r', (byte)'\n']), .. "0\r\n\r\n"u8];

    private static void AssertProblem(RawAnswer answer, int status, string code)
    {
        Assert.That(answer.Status, Is.EqualTo(status), answer.Text);
        Assert.That((answer.MediaType, answer.Json.GetProperty("code").GetString()), Is.EqualTo(("application/problem+json", code)));
    }

    private async Task<RawAnswer> SendAsync(byte[] request) => RawAnswer.Parse(await RawHttp.SendAsync(Server.Address, request));
}
