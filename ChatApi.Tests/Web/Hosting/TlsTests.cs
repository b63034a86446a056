using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Hosting;

/// <summary>TLS by the server itself, with both versions of HTTP.</summary>
[Parallelizable(ParallelScope.Children)]
public sealed class TlsTests
{
    private readonly TemporaryDirectory _directory = new();
    private ScriptedUpstream _upstream = null!;
    private ChatApiProcess _server = null!;
    private X509Certificate2 _certificate = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _certificate = new CertificateRequest("CN=chat.example.com", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(_directory.File("certificate.pem"), _certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(_directory.File("key.pem"), key.ExportPkcs8PrivateKeyPem());
        _upstream = ScriptedUpstream.Start();
        var settings = ChatApiEnvironment.Settings(_upstream);
        settings["ASPNETCORE_ENVIRONMENT"] = "Production";
        settings["ASPNETCORE_URLS"] = "https://127.0.0.1:0;http://127.0.0.1:0";
        settings["Kestrel__Certificates__Default__Path"] = _directory.File("certificate.pem");
        settings["Kestrel__Certificates__Default__KeyPath"] = _directory.File("key.pem");
        _server = ChatApiProcess.Launch(settings, null, []);
        await Poll.UntilAsync(() => _server.HasExited || _server.TryFindAddress(), "its address");
        Assert.That(_server.HasExited, Is.False, _server.Output);
        Assert.That(_server.Address.Scheme, Is.EqualTo("https"));
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _server.DisposeAsync();
        await _upstream.DisposeAsync();
        _certificate.Dispose();
        _directory.Dispose();
    }

    [TearDown]
    public void ExpectNothingSecretInTheLog() => Canary.ExpectNone(_server.Output);

    [TestCase("1.1")]
    [TestCase("2.0")]
    public async Task A_reply_streams_piece_by_piece(string version)
    {
        using var client = Client(version);
        var session = await ApiAnswer.ReadAsync(await client.SendAsync(Post(version, "/api/chat/sessions", new { })));
        var gate = new TaskCompletionSource();
        _upstream.Default = _ => ScriptedUpstreamReply.Stream().Role().Delta("Uno, ").WaitFor(gate.Task).Delta("dos.").Finish().Done();

        using var answer = await client.SendAsync(
            Post(version, $"/api/chat/realtime/sessions/{session.Expect(HttpStatusCode.Created)["id"]}/stream", new { content = "canary" }),
            HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var events = "";
        while (!events.Contains("Uno, ", StringComparison.Ordinal))
            events += await reader.ReadLineAsync() + "\n";
        Assert.That(events, Does.Not.Contain("dos."));
        gate.SetResult();
        events += await reader.ReadToEndAsync();

        Assert.That((answer.StatusCode, answer.Version), Is.EqualTo((HttpStatusCode.OK, Version.Parse(version))));
        Assert.That(events, Does.Contain("\"full_content\":\"Uno, dos.\"").And.EndsWith("\n\n"));
    }

    [TestCase("chat.example.com", true)]
    [TestCase("localhost", false)]
    public async Task Browsers_are_told_to_come_by_https_from_now_on(string host, bool isTold)
    {
        using var client = Client("2.0");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Host = host;

        using var answer = await client.SendAsync(request);

        Assert.That(answer.Headers.TryGetValues("Strict-Transport-Security", out var told) ? told.Single() : null, Is.EqualTo(isTold ? "max-age=31536000" : null));
        Assert.That(answer.Headers.Contains("Server"), Is.False);
    }

    private HttpClient Client(string version)
    {
        var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == _certificate.GetCertHashString() },
        })
        { BaseAddress = _server.Address, DefaultRequestVersion = Version.Parse(version), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestTokens.For(Guid.NewGuid()));
        return client;
    }

    private static HttpRequestMessage Post(string version, string path, object body) => new(HttpMethod.Post, path)
    {
        Version = Version.Parse(version),
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = JsonContent.Create(body, body.GetType(), new MediaTypeHeaderValue("application/json")),
    };
}
