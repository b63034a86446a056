using System.Net;
using System.Text.RegularExpressions;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Hosting;

/// <summary>What browsers are told beside the answer, whatever the answer is.</summary>
[Parallelizable(ParallelScope.All)]
public sealed partial class SecurityHeaderTests
{
    private ChatApiProcess _server = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _server = (await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite)).Server;

    [TestCase("/", 200)]
    [TestCase("/app.js", 200)]
    [TestCase("/swagger/index.html", 200)]
    [TestCase("/swagger/v1/swagger.json", 200)]
    [TestCase("/health/ready", 200)]
    [TestCase("/nothing", 404)]
    [TestCase("/api/nothing", 404)]
    [TestCase("/api/chat/sessions", 200)]
    [TestCase("/api/chat/sessions/00000000-0000-0000-0000-000000000000", 404)]
    [TestCase("/api/chat/sessions?limit=0", 400)]
    public async Task Every_answer_has_them(string path, int status)
    {
        var answer = (await ApiClient.NewUser(_server).GetAsync(path)).Expect((HttpStatusCode)status);

        Assert.Multiple(() =>
        {
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(answer.Header("X-Frame-Options"), Is.EqualTo("DENY"));
            Assert.That(answer.Header("Referrer-Policy"), Is.EqualTo("no-referrer"));
            Assert.That(answer.Header("Cross-Origin-Resource-Policy"), Is.EqualTo("same-origin"));
            Assert.That(answer.Header("Content-Security-Policy"), Does.StartWith("default-src 'none'; script-src 'self'; ")
                .And.Contain("frame-ancestors 'none'").And.Contain("base-uri 'none'").And.Not.Contain("unsafe-eval").And.Not.Match("script-src[^;]*unsafe"));
            Assert.That(answer.Header("Server"), Is.Null);
            Assert.That(answer.Header("X-Powered-By"), Is.Null);
            Assert.That(answer.Header("Strict-Transport-Security"), Is.Null, "This came by http.");
        });
        if (path.StartsWith("/api", StringComparison.Ordinal))
            Assert.That(answer.Header("Cache-Control"), Does.StartWith("no-store"));
        else
            Assert.That(answer.Header("Cross-Origin-Opener-Policy") + "; " + answer.Header("Permissions-Policy"), Does.StartWith("same-origin; camera=()"));
    }

    [Test]
    public async Task Pages_have_nothing_that_their_policy_would_forbid()
    {
        foreach (var page in new[] { "/", "/swagger/index.html" })
        {
            var html = (await ApiClient.Nobody(_server).GetAsync(page)).Expect(HttpStatusCode.OK).Text;
            Assert.That(Inline().Matches(html).Select(match => match.Value), Is.Empty, page);
        }
    }

    [TestCase("/")]
    [TestCase("/app.js")]
    [TestCase("/swagger/index.html")]
    [TestCase("/swagger/v1/swagger.json")]
    [TestCase("/health/live")]
    [TestCase("/health/ready")]
    public async Task Pages_and_probes_answer_to_HEAD_as_to_GET_without_a_body(string path)
    {
        var get = (await ApiClient.Nobody(_server).GetAsync(path)).Expect(HttpStatusCode.OK);
        var head = (await ApiClient.Nobody(_server).SendAsync(HttpMethod.Head, path)).Expect(HttpStatusCode.OK);
        var raw = await RawHttp.SendAsync(_server.Address, RawHttp.Request($"HEAD {path}", null, []));

        Assert.That(head.Header("Content-Type"), Is.EqualTo(get.Header("Content-Type")));
        Assert.That(raw, Does.StartWith("HTTP/1.1 200").And.EndsWith("\r\n\r\n"));
        Assert.That(raw.Split("\r\n\r\n"), Has.Length.EqualTo(2), "No body.");
    }

    [TestCase("/api/chat/sessions")]
    [TestCase("/api/chat/realtime/sessions/00000000-0000-0000-0000-000000000000/stream")]
    public async Task The_API_does_not_answer_to_HEAD(string path)
    {
        var answer = (await ApiClient.NewUser(_server).SendAsync(HttpMethod.Head, path)).Expect(HttpStatusCode.MethodNotAllowed);

        Assert.That(answer.Header("Allow"), Does.Contain("GET"));
    }

    // A script without a source, a style sheet in the page, a handler in an attribute.
    [GeneratedRegex("""<script(?![^>]*\ssrc=)[^>]*>|<style[\s>](?![^<]*</style>\s*</head>)|\son[a-z]+\s*=""", RegexOptions.IgnoreCase)]
    private static partial Regex Inline();
}
