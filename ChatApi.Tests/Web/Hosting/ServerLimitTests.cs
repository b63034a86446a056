using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Hosting;

/// <summary>How much the server takes of one who means no good, and for how long.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ServerLimitTests
{
    private ChatApiProcess _server = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _server = (await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite)).Server;

    [TestCase(7 * 1024, "404")]
    [TestCase(9 * 1024, "414")]
    public async Task A_request_line_has_8_KB(int length, string status) =>
        Assert.That(await RawHttp.SendAsync(_server.Address, RawHttp.Request($"GET /{new string('x', length)}", null, [])), Does.StartWith($"HTTP/1.1 {status}"));

    [TestCase(90, "200")]
    [TestCase(120, "431")]
    public async Task There_are_100_headers(int count, string status)
    {
        var headers = Enumerable.Range(0, count).Select(number => $"X-{number}: x").ToArray();

        Assert.That(await RawHttp.SendAsync(_server.Address, RawHttp.Request("GET /health/live", null, [], headers)), Does.StartWith($"HTTP/1.1 {status}"));
    }

    [TestCase(20, "200")]
    [TestCase(40, "431")]
    public async Task They_have_32_KB_together(int kilobytes, string status)
    {
        var header = "X-Long: " + new string('x', kilobytes * 1024);

        Assert.That(await RawHttp.SendAsync(_server.Address, RawHttp.Request("GET /health/live", null, [], header)), Does.StartWith($"HTTP/1.1 {status}"));
    }

    [Test]
    public async Task Headers_that_drip_are_waited_for_15_seconds()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_server.Address.Host, _server.Address.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: "u8.ToArray());
        var watch = Stopwatch.StartNew();
        var answer = ReadAsync(stream);
        while (!answer.IsCompleted && watch.Elapsed < TimeSpan.FromSeconds(40))
        {
            await Task.WhenAny(answer, Task.Delay(500));
            if (!answer.IsCompleted)
                await stream.WriteAsync("x"u8.ToArray());
        }

        Assert.That(await answer, Is.Empty.Or.StartsWith("HTTP/1.1 408"));
        Assert.That(watch.Elapsed, Is.GreaterThan(TimeSpan.FromSeconds(10)).And.LessThan(TimeSpan.FromSeconds(25)));
    }

    private static async Task<string> ReadAsync(NetworkStream stream)
    {
        var buffer = new byte[4096];
        try
        {
            return Encoding.Latin1.GetString(buffer, 0, await stream.ReadAsync(buffer));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
