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
        await using var server = new ByteServer(null, request =>
        {
            var cut = int.Parse(request.Split("at-byte-")[1].Split('"')[0], CultureInfo.InvariantCulture);
            return [Head + body[..cut], body[cut..]];
        });
        using var client = Completion.Bare(Options(server));
        await Parallel.ForEachAsync(Enumerable.Range(0, body.Length + 1), new ParallelOptions { MaxDegreeOfParallelism = 24 }, async (cut, _) =>
        {
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
        var answers = new Queue<string[]>();
        await using var server = new ByteServer(certificate, _ => answers.Dequeue());
        using var http = new HttpClient(new SocketsHttpHandler
        {
            PlaintextStreamFilter = (context, _) => new(new ModelConnection(context.PlaintextStream)),
#pragma warning disable CA5359 // Nobody else has the certificate: it was made just now.
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
        });
        using var patience = new CancellationTokenSource(Patience);

        answers.Enqueue([Head, Chunk("one\n\n"), Chunk("two\n\n") + Chunk("three\n\n"), "0\r\n\r\n"]);
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
        answers.Enqueue([Head, Chunk("four\n\n"), "0\r\n\r\n"]);
        var second = ModelConnection.Follow();
        using var other = await http.GetAsync(server.Address, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        var otherBody = await other.Content.ReadAsStreamAsync(patience.Token);
        _ = await otherBody.ReadAsync(Memory<byte>.Empty, patience.Token);
        _ = await otherBody.ReadAsync(buffer, patience.Token);
        Assert.That((server.Connections, first.CanWait, second.CanWait), Is.EqualTo((1, false, true)));
    }

    [Test]
    public async Task Who_gives_up_while_it_waits_is_told_at_once()
    {
        await using var server = new ByteServer(null, _ => [Head, Chunk(Events[0]), Chunk(Events[1])]);
        using var client = Completion.Bare(Options(server));
        using var leaving = new CancellationTokenSource();
        await using var updates = client.GetStreamingResponseAsync(Completion.Question, null, leaving.Token).GetAsyncEnumerator(leaving.Token);
        Assert.That(await updates.MoveNextAsync() && await updates.MoveNextAsync());
        var next = updates.MoveNextAsync().AsTask();
        await Task.Delay(Gap);
        Assert.That(next.IsCompleted, Is.False);
        await leaving.CancelAsync();
        Assert.That(async () => await next.WaitAsync(Patience), Throws.InstanceOf<OperationCanceledException>());
    }

    private static CompletionOptions Options(ByteServer server) =>
        new() { Provider = CompletionProvider.OpenAICompatible, Model = "the-model", Endpoint = server.Address };

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

    /// <summary>Answers each request, part by part, and keeps the connection.</summary>
    private sealed class ByteServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _end = new();
        private readonly X509Certificate2? _certificate;
        private readonly Func<string, string[]> _answer;
        private readonly Task _accepting;
        private int _connections;

        public ByteServer(X509Certificate2? certificate, Func<string, string[]> answer)
        {
            _certificate = certificate;
            _answer = answer;
            _listener.Start();
            Address = new Uri($"{(certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1");
            _accepting = AcceptAsync();
        }

        public Uri Address { get; }

        public int Connections => Volatile.Read(ref _connections);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            _listener.Dispose();
            await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _end.Dispose();
        }

        private async Task AcceptAsync()
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_end.Token);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(client);
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            using (client)
            {
                client.NoDelay = true;
                Stream stream = client.GetStream();
                if (_certificate is not null)
                {
                    var encrypted = new SslStream(stream);
                    await encrypted.AuthenticateAsServerAsync(_certificate);
                    stream = encrypted;
                }

                var buffer = new byte[64 * 1024];
                for (var length = 0; ;)
                {
                    var read = await stream.ReadAsync(buffer.AsMemory(length), _end.Token);
                    if (read == 0)
                        return;
                    length += read;
                    var request = Encoding.UTF8.GetString(buffer, 0, length);
                    if (!IsWhole(request))
                        continue;
                    length = 0;
                    foreach (var part in _answer(request))
                    {
                        await stream.WriteAsync(Encoding.UTF8.GetBytes(part), _end.Token);
                        await Task.Delay(Gap, _end.Token);
                    }
                }
            }
        }

        private static bool IsWhole(string request) =>
            request.IndexOf("\r\n\r\n", StringComparison.Ordinal) is > 0 and var head
            && (request.StartsWith("GET", StringComparison.Ordinal) || request.Length > head + 4 && request.EndsWith('}'));
    }
}
