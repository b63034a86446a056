using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>The proxy does the harm that it says, and no other.</summary>
public sealed class FaultProxyTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    private readonly TcpListener _echo = new(IPAddress.Loopback, 0);
    private FaultProxy _proxy = null!;

    [OneTimeSetUp]
    public void StartEcho()
    {
        _echo.Start();
        _ = EchoAsync();
    }

    [OneTimeTearDown]
    public void StopEcho() => _echo.Dispose();

    [SetUp]
    public void StartProxy() => _proxy = FaultProxy.Before(((IPEndPoint)_echo.LocalEndpoint).Port);

    [TearDown]
    public async Task StopProxyAsync() => await _proxy.DisposeAsync();

    [Test]
    public async Task Lets_everything_through_and_knows_what_is_open()
    {
        using (var client = await ConnectAsync())
        {
            Assert.That(await AskAsync(client, 42), Is.EqualTo(42));
            Assert.That(_proxy.Connections, Is.EqualTo(1));
        }

        await Poll.UntilAsync(() => _proxy.Connections == 0, "no connection");
    }

    [Test]
    public async Task Delays_both_directions_until_it_is_healed()
    {
        using var client = await ConnectAsync();
        _proxy.Delay(TimeSpan.FromMilliseconds(200));
        var watch = Stopwatch.StartNew();
        await AskAsync(client, 1);
        Assert.That(watch.ElapsedMilliseconds, Is.InRange(390, 2000));

        _proxy.Heal();
        watch.Restart();
        await AskAsync(client, 2);
        Assert.That(watch.ElapsedMilliseconds, Is.LessThan(200));
    }

    [Test]
    public async Task Swallows_everything_and_delivers_it_when_it_is_healed()
    {
        using var client = await ConnectAsync();
        _proxy.BlackHole();
        var answer = AskAsync(client, 7);
        await Task.Delay(Silence);
        Assert.That(answer.IsCompleted, Is.False);

        _proxy.Heal();
        Assert.That(await answer, Is.EqualTo(7));
    }

    [Test]
    public async Task Refuses_new_connections_and_leaves_the_open_ones()
    {
        using var open = await ConnectAsync();
        await AskAsync(open, 1);
        _proxy.Refuse();
        Assert.That(async () => await AskAsync(await ConnectAsync(), 2), Throws.InstanceOf<SocketException>().Or.InstanceOf<EndOfStreamException>());
        Assert.That(await AskAsync(open, 3), Is.EqualTo(3));

        _proxy.Heal();
        using var another = await ConnectAsync();
        Assert.That(await AskAsync(another, 4), Is.EqualTo(4));
    }

    [Test]
    public async Task Cuts_after_so_many_bytes_of_answers()
    {
        using var client = await ConnectAsync();
        _proxy.CutAfter(2);
        Assert.That(await AskAsync(client, 1), Is.EqualTo(1));
        Assert.That(await AskAsync(client, 2), Is.EqualTo(2));
        Assert.That(async () => await AskAsync(client, 3), Throws.InstanceOf<SocketException>());
    }

    [Test]
    public async Task Sends_each_byte_of_an_answer_on_its_own()
    {
        using var client = await ConnectAsync();
        _proxy.SplitAnswers();
        await client.SendAsync("12345678"u8.ToArray());

        var (received, reads, buffer) = (0, 0, new byte[8]);
        using var patience = new CancellationTokenSource(Poll.Patience);
        for (; received < buffer.Length; reads++)
            received += await client.ReceiveAsync(buffer.AsMemory(received), patience.Token);
        Assert.That(buffer, Is.EqualTo("12345678"u8.ToArray()));
        Assert.That(reads, Is.GreaterThan(1));
    }

    [Test]
    public async Task Resets_what_is_open()
    {
        using var client = await ConnectAsync();
        await AskAsync(client, 1);
        _proxy.ResetAll();
        Assert.That(async () => await AskAsync(client, 2), Throws.InstanceOf<SocketException>());
        using var another = await ConnectAsync();
        Assert.That(await AskAsync(another, 3), Is.EqualTo(3));
    }

    private static async Task<byte> AskAsync(Socket client, byte question)
    {
        using var patience = new CancellationTokenSource(Poll.Patience);
        var buffer = new[] { question };
        await client.SendAsync(buffer, patience.Token);
        return await client.ReceiveAsync(buffer, patience.Token) == 1 ? buffer[0] : throw new EndOfStreamException();
    }

    private async Task<Socket> ConnectAsync()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, _proxy.Port);
        return client;
    }

    private async Task EchoAsync()
    {
        try
        {
            while (true)
                _ = AnswerAsync(await _echo.AcceptSocketAsync());
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
        {
        }
    }

    private static async Task AnswerAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[64];
            try
            {
                for (int read; (read = await socket.ReceiveAsync(buffer)) > 0;)
                    await socket.SendAsync(buffer.AsMemory(0, read));
            }
            catch (SocketException)
            {
                // Reset by the proxy, as was wanted.
            }
        }
    }
}
