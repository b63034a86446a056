using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using ChatApi.Tests.Support;
using Npgsql;
using NUnit.Framework;
using static ChatApi.Tests.Web.Transfers.TransferFiles;

namespace ChatApi.Tests.Web.Transfers;

/// <summary>An export costs no more memory, and no longer a connection, for being large or slowly read.</summary>
[NonParallelizable]
public sealed class LargeExportTests
{
    private const int Files = 5;
    private const int MessagesOfFile = 20_000;

    [Test]
    public async Task A_hundred_thousand_messages_are_exported_in_less_memory_than_they_take()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File(".env"), "");
        await using var upstream = ScriptedUpstream.Start();
        var settings = ChatApiEnvironment.Settings(upstream);
        var userId = Guid.CreateVersion7();
        await using (var server = await ChatApiProcess.StartAsync(settings, directory.Path))
            for (var file = 0; file < Files; file++)
                (await new ApiClient(server, userId, TestTokens.For(userId)).PostRawAsync("/api/chat/import", LongFile())).Expect(HttpStatusCode.Created);

        // Two thirds of what is exported.
        settings["DOTNET_GCHeapHardLimit"] = "0x5000000";
        await using var small = await ChatApiProcess.StartAsync(settings, directory.Path);
        var user = new ApiClient(small, userId, TestTokens.For(userId));
        (await user.GetAsync("/api/chat/sessions?limit=1")).Expect(HttpStatusCode.OK);
        var before = ResidentMegabytes(small.Id);
        var (most, watch) = (before, Stopwatch.StartNew());
        using var response = await user.Http.GetAsync("/api/chat/export", HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        var (buffer, total, messages, first) = (new byte[64 * 1024], 0L, 0, TimeSpan.Zero);
        for (int read; (read = await stream.ReadAsync(buffer)) > 0; total += read)
        {
            if (total == 0)
                first = watch.Elapsed;
            messages += buffer.AsSpan(0, read).Count((byte)'~');
            most = Math.Max(most, ResidentMegabytes(small.Id));
        }

        TestContext.Out.WriteLine($"{total / 1024 / 1024} MB in {watch.Elapsed.TotalSeconds:F1} s, the first byte after {first.TotalMilliseconds:F0} ms; memory {before:F0} MB, at most {most:F0} MB");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(messages, Is.EqualTo(Files * MessagesOfFile));
        Assert.That(total, Is.GreaterThan(100 * 1024 * 1024));
        Assert.That(most - before, Is.LessThan(80));
        Assert.That(first, Is.LessThan(watch.Elapsed / 4));
    }

    [Test]
    public async Task Who_does_not_read_holds_no_connection()
    {
        var postgres = await ChatApiEnvironment.PostgresAsync();
        await using var upstream = ScriptedUpstream.Start();
        var connections = new NpgsqlConnectionStringBuilder(postgres.AdministratorConnectionString(await postgres.CreateDatabaseAsync())) { Pooling = true, MaxPoolSize = 1 };
        var settings = ChatApiEnvironment.Settings(upstream, connections.ConnectionString);
        await using var server = await ChatApiProcess.StartAsync(settings);
        var user = ApiClient.NewUser(server);
        var messages = Enumerable.Range(0, 20).Select(number => Message($"{number}", null, "assistant", new string('x', 1_000_000))).ToArray();
        (await user.PostAsync("/api/chat/import", new JsonObject { ["version"] = 1, ["sessions"] = new JsonArray(Session("Larga", messages)) })).Expect(HttpStatusCode.Created);

        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(server.Address.Host, server.Address.Port);
        await socket.SendAsync(RawHttp.Request("GET /api/chat/export", user.Token, []));
        Assert.That(await socket.ReceiveAsync(new byte[1]), Is.EqualTo(1), "The answer has begun.");
        await Task.Delay(TimeSpan.FromSeconds(1));

        (await user.GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
    }

    /// <summary>Each message has one mark to count it by.</summary>
    private static byte[] LongFile()
    {
        var text = "~" + new string('x', 799);
        var messages = Enumerable.Range(0, MessagesOfFile).Select(number =>
            $$"""{"id":"{{number}}","parent_id":{{(number == 0 ? "null" : $"\"{number - 1}\"")}},"role":"{{(number % 2 == 0 ? "user" : "assistant")}}","content":"{{text}}","created_at":"2024-03-01T12:00:00Z"}""");
        return Encoding.UTF8.GetBytes($$"""{"version":1,"sessions":[{"title":"Larga","created_at":"2024-03-01T12:00:00Z","messages":[{{string.Join(',', messages)}}]}]}""");
    }

    private static double ResidentMegabytes(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
