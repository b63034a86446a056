using System.Net;
using System.Text;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Messages;

/// <summary>What may be said, and that it comes back as it was said.</summary>
public sealed class ContentTests(DatabaseKind database) : HttpSuite(database)
{
    private static readonly string[] Texts =
    [
        "uno\ndos", "uno\r\ndos\rtres", "a\tb", "línea\u2028párrafo\u2029fin", "derecha\u202eadreiuqzi", "cafe\u0301 (NFD)", "café (NFC)",
        "👩‍👩‍👧‍👦 👋🏽 🇨🇴", "\u200bancho cero\u200d\ufeff", "  espacios alrededor  ", "日本語 العربية हिन्दी", "\"comillas\" \\ / </script> &amp;",
        "data: {\"type\":\"done\"}\n\ndata: x", "\u0001\u0008\u001b[31m", "' OR '1'='1' -- %_\\", "\ud83d\ude00\ud83d\ude00", "\uffff\ufffe",
    ];

    [Test]
    public async Task Unusual_text_comes_back_identical()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        foreach (var text in Texts)
            await user.ImportAsync(session, text);

        var stored = await user.StoredAsync(session);

        Assert.That(stored.Select(message => message.Content), Is.EqualTo(Texts).Using<string>(string.Equals));
    }

    [Test]
    public async Task Unusual_text_passes_through_a_turn_unchanged_both_ways()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(ScriptedUpstreamReply.Text(Texts), string.Concat(Texts));

        await using var reply = await user.StreamAsync(session, question);
        var done = await reply.ReadToEndAsync();

        var all = string.Concat(Texts);
        Assert.That(string.Equals(done["full_content"], all, StringComparison.Ordinal), Is.True, done.Json.ToString());
        Assert.That(string.Equals(reply.Content, all, StringComparison.Ordinal), Is.True);
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", all)]));
        Assert.That(ModelScripts.Conversation(Model.CallsFor(question).Single()), Is.EqualTo([("user", question)]));
    }

    public static IEnumerable<string> Doors =>
    [
        "/api/chat",
        "/api/chat/sessions/{session}/messages",
        "/api/chat/realtime/sessions/{session}/stream",
    ];

    [Test]
    public async Task Content_is_required(
        [ValueSource(nameof(Doors))] string door,
        [Values("{}", """{"content":null}""", """{"content":""}""", """{"content":" \t\r\n\u00a0\u2003"}""")] string body)
    {
        var (user, session) = await UserWithSessionAsync();

        var answer = await user.PostRawAsync(Path(door, session), WithRole(door, body));

        answer.ExpectProblem(HttpStatusCode.BadRequest, "content_required");
        Assert.That(await user.StoredAsync(session), Is.Empty);
    }

    [TestCaseSource(nameof(Doors))]
    public async Task Content_over_the_limit_is_400(string door)
    {
        var (user, session) = await UserWithSessionAsync();

        var answer = await user.PostRawAsync(Path(door, session), WithRole(door, $$"""{"content":"{{new string('x', 32_001)}}"}"""));

        answer.ExpectProblem(HttpStatusCode.BadRequest, "content_too_long");
        Assert.That(await user.StoredAsync(session), Is.Empty);
    }

    [Test]
    public async Task Content_at_the_limit_is_stored_whole()
    {
        var (user, session) = await UserWithSessionAsync();
        var text = string.Concat(Enumerable.Repeat("ñ", 32_000));

        await user.ImportAsync(session, text);

        Assert.That(await user.StoredAsync(session), Is.EqualTo([("assistant", text)]));
    }

    [TestCase("""{"content":5}""")]
    [TestCase("""{"content":["hola"]}""")]
    [TestCase("""{"content":{"text":"hola"}}""")]
    [TestCase("""{"content":true}""")]
    [TestCase("""{"content":"a\u0000b"}""")]
    [TestCase("""{"content":"half a pair \ud83d"}""")]
    [TestCase("""{"content":"half a pair \ude00 other"}""")]
    public async Task Content_that_is_no_text_is_400(string body)
    {
        var (user, session) = await UserWithSessionAsync();

        foreach (var door in Doors)
            (await user.PostRawAsync(Path(door, session), WithRole(door, body))).Expect(HttpStatusCode.BadRequest);

        Assert.That(await user.StoredAsync(session), Is.Empty);
    }

    [Test]
    public async Task A_megabyte_is_413()
    {
        var (user, session) = await UserWithSessionAsync();
        var body = Encoding.UTF8.GetBytes($$"""{"content":"{{new string('x', 1024 * 1024)}}"}""");

        foreach (var door in Doors)
        {
            // The server may well close before it has read what it refuses: a client that asks first gets its answer for certain.
            using var request = Post(Path(door, session), body);
            request.Headers.ExpectContinue = true;
            (await user.SendAsync(request)).ExpectProblem(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        }

        using var chunked = Post("/api/chat", body);
        chunked.Headers.TransferEncodingChunked = true;
        (await user.SendAsync(chunked)).ExpectProblem(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    private static HttpRequestMessage Post(string path, byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = ApiClient.JsonType;
        return request;
    }

    private static string Path(string door, string session) => door.Replace("{session}", session, StringComparison.Ordinal);

    private static string WithRole(string door, string body) =>
        door.EndsWith("/messages", StringComparison.Ordinal) ? (body == "{}" ? """{"role":"user"}""" : """{"role":"user",""" + body[1..]) : body;

    private async Task<(ApiClient User, string Session)> UserWithSessionAsync()
    {
        var user = NewUser();
        return (user, await user.CreateSessionAsync());
    }
}
