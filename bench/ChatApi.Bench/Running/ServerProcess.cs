using System.Text.RegularExpressions;
using ChatApi.Bench.Costs;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Running;

/// <summary>A server that is measured, or helps to measure: a process of its own, that says where it listens.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ChildProcess _child;

    private ServerProcess(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        File.WriteAllText(_directory.File(".env"), "");
        Probe = new(_directory);
        var all = new Dictionary<string, string?>(Probe.Environment) { ["DOTNET_NOLOGO"] = "1" };
        foreach (var (name, value) in environment)
            all[name] = value;
        _child = ChildProcess.Start("dotnet", [program, .. arguments], _directory, all);
    }

    public RuntimeProbe Probe { get; }

    public Uri Address { get; private set; } = null!;

    public int Id => _child.Id;

    /// <summary>Starts a program, and returns when it listens.</summary>
    public static async Task<ServerProcess> StartAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var server = new ServerProcess(program, arguments, environment);
        try
        {
            server.Address = await Poll.ForAsync(() => Task.FromResult(server.FindAddress()), $"{program} listening");
            return server;
        }
        catch (Exception exception)
        {
            await server.DisposeAsync();
            throw new InvalidOperationException($"{exception.Message} It printed:\n{server._child.Output}", exception);
        }
    }

    /// <summary>Starts a part of this program: a yardstick, or the upstream.</summary>
    public static Task<ServerProcess> StartPartAsync(string[] arguments, IReadOnlyDictionary<string, string?> environment) =>
        StartAsync(typeof(ServerProcess).Assembly.Location, arguments, environment);

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        Probe.Dispose();
        _directory.Dispose();
    }

    private Uri? FindAddress()
    {
        if (_child.HasExited)
            throw new InvalidOperationException("It ended.");
        return ListeningLine().Match(_child.Output) is { Success: true } line ? new Uri(line.Groups[1].Value) : null;
    }

    [GeneratedRegex(@"is listening on (http://\S+)\n")]
    private static partial Regex ListeningLine();
}
