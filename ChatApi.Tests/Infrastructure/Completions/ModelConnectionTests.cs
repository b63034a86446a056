using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>More of a body is waited for on the connection only where more must come: servers that say everything byte for byte, and then stay.</summary>
public sealed class ModelConnectionTests
{
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(20);

    // The model's last word is the finish, and not [DONE]: only the end of the body ends such a reply.
    private static readonly string[] Events = [Event("""{"content":"Ho"}"""), Event("""{"content":"la"}"""), Event("{}", "\"stop\"")];

    private static readonly TestCaseData[] Bodies =
    [
        Body("A_chunk_for_each_event", string.Concat(Events.Select(item => Chunk(item))) + "0\r\n\r\n"),
        Body("One_chunk_for_all", Chunk(string.Concat(Events)) + "0\r\n\r\n"),
        Body("Chunks_of_seven_bytes", string.Concat(string.Concat(Events).Chunk(7).Select(part => Chunk(new(part)))) + "0\r\n\r\n"),
        Body("Lines_that_end_in_CRLF", string.Concat(Events.Select(item => Chunk(item.Replace("\n", "\r\n", StringComparison.Ordinal)))) + "0\r\n\r\n"),
        Body("Chunks_whose_lines_end_in_LF", string.Concat(Events.Select(item => Chunk(item, "\n"))) + "0\n\n"),
        Body("Trailers", string.Concat(Events.Select(item => Chunk(item))) + "0\r\nX-Cost: 1\r\nX-More: 2\r\n\r\n"),
        Body("An_extension_of_the_last_chunk", string.Concat(Events.Select(item => Chunk(item))) + "000;a=b\r\n\r\n"),
    ];

    [TestCaseSource(nameof(Bodies))]
    public async Task A_reply_ends_with_its_body_wherever_that_comes_in_two(string body)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Default = call =>
        {
            var cut = int.Parse(call.Body.Split("at-byte-")[1].Split('"')[0], CultureInfo.InvariantCulture);
            return Answer(Head + body[..cut], body[cut..]);
        };
        await Parallel.ForEachAsync(Enumerable.Range(0, body.Length + 1), new ParallelOptions { MaxDegreeOfParallelism = 24 }, async (cut, _) =>
        {
            using var client = Completion.Bare(Completion.Options(upstream));
            using var patience = new CancellationTokenSource(Patience);
            var completion = await Completion.ReadAsync(client, new() { ModelId = $"at-byte-{cut}" }, cancellationToken: patience.Token);
            Assert.That((completion.Failure, completion.Text, completion.FinishReason), Is.EqualTo((default(Exception), "Hola", ChatFinishReason.Stop)), $"cut at {cut}");
        });
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Between_pieces_one_waits_on_the_connection_and_at_the_end_and_after_it_not(bool isEncrypted)
    {
        using var certificate = isEncrypted ? SelfSigned() : null;
        await using var server = new OneConnection(
            certificate,
            [Head, Chunk("one\n\n"), Chunk("two\n\n") + Chunk("three\n\n"), "0\r\n\r\n"],
            [Head, Chunk("four\n\n"), "0\r\n\r\n"]);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            PlaintextStreamFilter = (context, _) => new(new ModelConnection(context.PlaintextStream)),
#pragma warning disable CA5359 // Nobody else has the certificate: it was made just now.
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
        });
        using var patience = new CancellationTokenSource(Patience);

        var first = ModelConnection.Follow();
        Assert.That(first.CanWait, Is.False, "before it was sent");
        using var response = await http.GetAsync(server.Address, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        Assert.That(first.CanWait, Is.False, "at the head");
        var body = await response.Content.ReadAsStreamAsync(patience.Token);
        var buffer = new byte[4096];
        _ = await body.ReadAsync(Memory<byte>.Empty, patience.Token);
        Assert.That(Encoding.ASCII.GetString(buffer, 0, await body.ReadAsync(buffer, patience.Token)), Is.EqualTo("one\n\n"));
        Assert.That(first.CanWait, "after the first piece");
        var text = "";
        while (text != "two\n\nthree\n\n")
        {
            Assert.That(first.CanWait, $"after '{text}'");
            await first.WaitAsync(patience.Token);
            text += Encoding.ASCII.GetString(buffer, 0, await body.ReadAsync(buffer, patience.Token));
        }

        await first.WaitAsync(patience.Token);
        Assert.That(await body.ReadAsync(buffer, patience.Token), Is.Zero);
        Assert.That(first.CanWait, Is.False, "at the end");

        // The connection is somebody else's now.
        var second = ModelConnection.Follow();
        using var other = await http.GetAsync(server.Address, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        var otherBody = await other.Content.ReadAsStreamAsync(patience.Token);
        _ = await otherBody.ReadAsync(Memory<byte>.Empty, patience.Token);
        _ = await otherBody.ReadAsync(buffer, patience.Token);
        Assert.That((first.CanWait, second.CanWait), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task Who_gives_up_while_it_waits_is_told_at_once()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Enqueue(Answer(Head, Chunk(Events[0]), Chunk(Events[1])));
        using var client = Completion.Bare(Completion.Options(upstream));
        using var leaving = new CancellationTokenSource();
        await using var updates = client.GetStreamingResponseAsync(Completion.Question, null, leaving.Token).GetAsyncEnumerator(leaving.Token);
        Assert.That(await updates.MoveNextAsync() && await updates.MoveNextAsync());
        var next = updates.MoveNextAsync().AsTask();
        await Task.Delay(Gap);
        Assert.That(next.IsCompleted, Is.False);
        await leaving.CancelAsync();
        Assert.That(async () => await next.WaitAsync(Patience), Throws.InstanceOf<OperationCanceledException>());
    }

    /// <summary>Part by part, after which the connection stays as it is.</summary>
    private static ScriptedUpstreamReply Answer(params string[] parts) =>
        parts.Aggregate(ScriptedUpstreamReply.Nothing(), (reply, part) => reply.Raw(part).Delay(Gap)).Silence();

    private static TestCaseData Body(string name, string body) => new(body) { TestName = name };

    private static string Event(string delta, string finish = "null") => $"data: {ScriptedUpstreamReply.Chunk(delta, finish)}\n\n";

    private static string Chunk(string text, string lineEnd = "\r\n") =>
        string.Create(CultureInfo.InvariantCulture, $"{text.Length:x}{lineEnd}{text}{lineEnd}");

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>Gives the answers on one connection, TLS where it has a certificate: a request, an answer, part by part.</summary>
    private sealed class OneConnection : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _end = new();
        private readonly Task _serving;

        public OneConnection(X509Certificate2? certificate, params string[][] answers)
        {
            _listener.Start();
            Address = new Uri($"{(certificate is null ? "http" : "https")}://{_listener.LocalEndpoint}");
            _serving = ServeAsync(certificate, answers);
        }

        public Uri Address { get; }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            _listener.Dispose();
            await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _end.Dispose();
        }

        private async Task ServeAsync(X509Certificate2? certificate, string[][] answers)
        {
            using var client = await _listener.AcceptTcpClientAsync(_end.Token);
            client.NoDelay = true;
            Stream stream = client.GetStream();
            if (certificate is not null)
            {
                var encrypted = new SslStream(stream);
                await encrypted.AuthenticateAsServerAsync(certificate);
                stream = encrypted;
            }

            using var requests = new StreamReader(stream);
            foreach (var answer in answers)
            {
                while (await requests.ReadLineAsync(_end.Token) is { Length: > 0 })
                {
                }

                foreach (var part in answer)
                {
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(part), _end.Token);
                    await Task.Delay(Gap, _end.Token);
                }
            }

            await Task.Delay(Timeout.Infinite, _end.Token);
        }
    }
}
