using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Durability;

/// <summary>Viewers that do not read, or read a byte a second, harm nobody.</summary>
[NonParallelizable]
public sealed class SlowViewerTests
{
    private const int Viewers = 200;
    private const int PieceLength = 2000;
    private const int Pieces = 400;

    [Test]
    public async Task Two_hundred_that_never_read_cost_bounded_memory_and_delay_nobody()
    {
        // Less than the viewers would hold if each were given all of the text.
        var limit = new Dictionary<string, string?> { ["DOTNET_GCHeapHardLimit"] = "0x8000000" };
        await using var cluster = await Cluster.StartAsync(Storage.Sqlite, replicas: 1, limit);
        var server = cluster.Replicas[0];
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();
        var script = ScriptedUpstreamReply.Stream().Role().Delta("0").WaitFor(gate.Task);
        for (var piece = 0; piece < Pieces; piece++)
            script.Delay(TimeSpan.FromMilliseconds(15)).Delta(new string((char)('a' + piece % 26), PieceLength));
        var question = cluster.Model.Ask(script.Finish().Usage(9, Pieces).Done());
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content");

        var stalled = new List<Socket>();
        for (var i = 0; i < Viewers; i++)
            stalled.Add(await AttachWithoutReadingAsync(server.Address, user.Token!, session));
        var before = ResidentMegabytes(server.Id);
        gate.SetResult();
        await reply.ReadToEndAsync();
        var sent = cluster.Model.CallsFor(question).Single().Sent.Where(sent => sent.Text is not null).ToList();
        var lags = reply.Events.Where(received => received.Type == "content")
            .Select(received => (received.At - sent[(int)received.Seq - 1].At).TotalMilliseconds).Order().ToList();
        var grown = ResidentMegabytes(server.Id) - before;
        foreach (var socket in stalled)
            socket.Dispose();

        TestContext.Out.WriteLine($"memory +{grown} MB; lag p50 {lags[lags.Count / 2]:F1} ms, p95 {lags[lags.Count * 95 / 100]:F1} ms");
        Assert.That((await user.StoredAsync(session))[1].Content, Has.Length.EqualTo(1 + Pieces * PieceLength));
        Assert.That(lags[lags.Count * 95 / 100], Is.LessThan(100));
        Assert.That(server.HasExited, Is.False);
        Assert.That((await user.GetAsync("/health/ready")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task One_that_takes_nothing_is_cut_off_and_can_come_back()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Sqlite, replicas: 1);
        var user = cluster.NewUser();
        var session = await user.CreateSessionAsync();
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Stream().Role()
            .Repeat(500, more => more.Delta(new string('x', 1900))).Delay(TimeSpan.FromSeconds(40)).Finish().Done());
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content");
        using var stalled = await AttachWithoutReadingAsync(cluster.Replicas[0].Address, user.Token!, session);

        await Task.Delay(TimeSpan.FromSeconds(25));

        // What the kernel had taken is still there. Then it ends, long before the run does, and not as a whole answer ends.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var answer = new List<byte>();
        try
        {
            var buffer = new byte[64 * 1024];
            for (int read; (read = await stalled.ReceiveAsync(buffer, patience.Token)) > 0;)
                answer.AddRange(buffer.AsSpan(0, read));
        }
        catch (SocketException)
        {
        }

        Assert.That(Encoding.ASCII.GetString([.. answer.TakeLast(5)]), Is.Not.EqualTo("0\r\n\r\n"));
        await using var back = await user.AttachAsync(session);
        await back.UntilAsync(received => received.Type == "content" && received.Seq == 500);
        Assert.That(back.Content, Has.Length.EqualTo(500 * 1900));
    }

    /// <summary>All sockets are served by few threads (docs/performance.md): nothing that waits or takes long may do so there.</summary>
    [Test]
    public async Task A_slow_database_viewers_that_do_not_read_and_passwords_delay_no_piece()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 1);
        var (server, user, reader) = (cluster.Replicas[0], cluster.NewUser(), cluster.NewUser());
        var account = new { email = "ana@example.com", password = "a good password" };
        (await ApiClient.Nobody(server).PostAsync("/api/auth/register", account)).Expect(HttpStatusCode.Created);
        var (session, watched) = (await user.CreateSessionAsync(), await reader.CreateSessionAsync());
        var others = new List<string>();
        for (var i = 0; i < 10; i++)
            others.Add(await user.CreateSessionAsync());
        var flood = cluster.Model.Ask(ScriptedUpstreamReply.Stream().Role()
            .Repeat(2000, more => more.Delta(new string('x', PieceLength)).Delay(TimeSpan.FromMilliseconds(5))).Finish().Done());
        await using var flooded = await user.StreamAsync(session, flood);
        await flooded.UntilAsync(received => received.Type == "content");
        var stalled = new List<Socket>();
        for (var i = 0; i < Viewers; i++)
            stalled.Add(await AttachWithoutReadingAsync(server.Address, user.Token!, session));
        using var end = new CancellationTokenSource();
        var trouble = others.Select(other => ChatAsync(user, other, end.Token)).Append(SignInAsync(server, account, end.Token)).ToList();
        cluster.DatabaseProxy!.Delay(TimeSpan.FromMilliseconds(100));

        var lags = await LagsAsync(cluster, reader, watched);
        await end.CancelAsync();
        await Task.WhenAll(trouble);
        foreach (var socket in stalled)
            socket.Dispose();

        Assert.That(lags[lags.Count * 9 / 10], Is.LessThan(60));
    }

    /// <summary>Npgsql cancels by a connection of its own and blocks while it does; whoever reads the statement's end meanwhile waits for that.</summary>
    [Test]
    public async Task Requests_that_are_given_up_while_the_database_works_delay_no_piece()
    {
        await using var cluster = await Cluster.StartAsync(Storage.Postgres, replicas: 1);
        var (user, reader) = (cluster.NewUser(), cluster.NewUser());
        var (session, watched) = (await user.CreateSessionAsync(), await reader.CreateSessionAsync());
        using var end = new CancellationTokenSource();
        var given = Enumerable.Range(0, 10).Select(seed => GiveUpAsync(cluster.Replicas[0], user.Token!, session, new Random(seed), end.Token)).ToList();
        cluster.DatabaseProxy!.Delay(TimeSpan.FromMilliseconds(50));

        var lags = await LagsAsync(cluster, reader, watched);
        await end.CancelAsync();
        var requests = (await Task.WhenAll(given)).Sum();

        Assert.That(requests, Is.GreaterThan(100));
        Assert.That(lags[lags.Count * 9 / 10], Is.LessThan(60));
        Assert.That(lags[^1], Is.LessThan(2000));
        cluster.DatabaseProxy.Heal();
        (await user.GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
    }

    /// <summary>How late each of 200 pieces came, in milliseconds, in order of size.</summary>
    private static async Task<List<double>> LagsAsync(Cluster cluster, ApiClient reader, string session)
    {
        var question = cluster.Model.Ask(ScriptedUpstreamReply.Stream().Role()
            .Repeat(200, more => more.Delta("piece ").Delay(TimeSpan.FromMilliseconds(20))).Finish().Usage(9, 200).Done());
        await using var reply = await reader.StreamAsync(session, question);
        await reply.ReadToEndAsync();
        var sent = cluster.Model.CallsFor(question).Single().Sent.Where(sent => sent.Text is not null).ToList();
        var lags = reply.Events.Where(received => received.Type == "content")
            .Select(received => (received.At - sent[(int)received.Seq - 1].At).TotalMilliseconds).Order().ToList();
        TestContext.Out.WriteLine($"lag p50 {lags[lags.Count / 2]:F1} ms, p90 {lags[lags.Count * 9 / 10]:F1} ms, most {lags[^1]:F1} ms");
        return lags;
    }

    /// <summary>Resets the connection at any moment of a request; returns how often.</summary>
    private static async Task<int> GiveUpAsync(ChatApiProcess server, string token, string session, Random random, CancellationToken end)
    {
        var requests = new[] { "GET /api/chat/sessions", $"GET /api/chat/sessions/{session}/messages", $"GET /api/chat/sessions/{session}/usage" }
            .Select(request => RawHttp.Request(request, token, [])).ToList();
        var count = 0;
        for (; !end.IsCancellationRequested; count++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new(true, 0) };
            await socket.ConnectAsync(server.Address.Host, server.Address.Port, CancellationToken.None);
            await socket.SendAsync(requests[count % requests.Count]);
            await Task.Delay(random.Next(250), CancellationToken.None);
        }

        return count;
    }

    private static async Task ChatAsync(ApiClient user, string session, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
            (await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "user", content = "Hola" })).Expect(HttpStatusCode.Created);
    }

    private static async Task SignInAsync(ChatApiProcess server, object account, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
            (await ApiClient.Nobody(server).PostAsync("/api/auth/login", account)).Expect(HttpStatusCode.OK);
    }

    private static async Task<Socket> AttachWithoutReadingAsync(Uri server, string token, string session)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };

        // Segments as on the internet: with the loopback's own of 64 KB the kernel takes megabytes before it says stop.
        socket.SetRawSocketOption(6, 2, BitConverter.GetBytes(536));
        await socket.ConnectAsync(server.Host, server.Port);
        var request = RawHttp.Request($"GET /api/chat/realtime/sessions/{session}/stream", token, []);
        await socket.SendAsync(request);
        var buffer = new byte[1];
        Assert.That(await socket.ReceiveAsync(buffer), Is.EqualTo(1), "The answer has begun.");
        Assert.That(Encoding.ASCII.GetString(buffer), Is.EqualTo("H"));
        return socket;
    }

    private static double ResidentMegabytes(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
