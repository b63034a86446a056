using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace ChatApi.Tests.Support;

/// <summary>Debian's redis-server with a password and nothing on disk; it can be frozen, killed, filled and flushed.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private const string Password = "r3dis:p@ss/word";

    private readonly TemporaryDirectory _directory = new();
    private ChildProcess? _child;

    private RedisServer()
    {
    }

    public int Port { get; } = ServerPrograms.FreePort();

    public string Output => _child?.Output ?? "";

    public static async Task<RedisServer> StartAsync()
    {
        var server = new RedisServer();
        try
        {
            await ServerPrograms.HandOverAsync(server._directory);
            await server.RunAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A value of <c>REDIS_URL</c>.</summary>
    public string Url(int? port = null) =>
        string.Create(CultureInfo.InvariantCulture, $"redis://:{Uri.EscapeDataString(Password)}@127.0.0.1:{port ?? Port}/0");

    /// <summary>Starts it, empty, on the same port; returns when it answers.</summary>
    public async Task RunAsync()
    {
        string[] arguments =
        [
            "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--requirepass", Password,
            "--save", "", "--appendonly", "no", "--dir", _directory.Path, "--maxmemory-policy", "noeviction",
        ];
        _child = ServerPrograms.StartUnprivileged(ServerPrograms.Find("redis-server"), arguments, _directory);
        await Poll.UntilAsync(IsAnsweringAsync, "Redis answering");
    }

    /// <summary>SIGKILL: all it held is gone.</summary>
    public async Task KillAsync()
    {
        if (_child is { } child)
            await child.DisposeAsync();
        _child = null;
    }

    /// <summary>SIGSTOP: connections stay, and nothing answers.</summary>
    public void Suspend() => _child?.Signal(ProcessSignal.Stop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => _child?.Signal(ProcessSignal.Continue);

    /// <summary>Sends one command and returns its answer as the protocol writes it; throws if it is an error.</summary>
    public async Task<string> CommandAsync(params string[] command)
    {
        using var patience = new CancellationTokenSource(Poll.Patience);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, patience.Token);
        await using var stream = client.GetStream();
        var request = Resp("AUTH", Password) + Resp(command) + Resp("QUIT");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request), patience.Token);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var answer = await reader.ReadToEndAsync(patience.Token);
        if (!answer.StartsWith("+OK\r\n", StringComparison.Ordinal) || answer.StartsWith("+OK\r\n-", StringComparison.Ordinal))
            throw new InvalidOperationException($"Redis answered {answer}");
        return answer["+OK\r\n".Length..^"+OK\r\n".Length].Trim();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _directory.Dispose();
    }

    private static string Resp(params string[] words) => string.Concat(
        words.Select(word => string.Create(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n"))
            .Prepend(string.Create(CultureInfo.InvariantCulture, $"*{words.Length}\r\n")));

    private async Task<bool> IsAnsweringAsync()
    {
        if (_child is { HasExited: true })
            throw new InvalidOperationException($"Redis ended:\n{Output}");
        try
        {
            return await CommandAsync("PING") == "+PONG";
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
