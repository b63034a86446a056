using System.Globalization;
using System.Text.RegularExpressions;

namespace ChatApi.Tests.Support;

/// <summary>
/// A real nginx before several replicas, set up by <c>deploy/nginx.conf</c>. Buffering is as nginx has it by default, so
/// that what comes through piece by piece does so because of what ChatApi sends.
/// </summary>
public sealed partial class NginxServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly int _port = ServerPrograms.FreePort();
    private ChildProcess? _child;

    private NginxServer()
    {
    }

    /// <summary>Where it listens, with a trailing slash.</summary>
    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}/"));

    public static async Task<NginxServer> StartAsync(IEnumerable<Uri> replicas)
    {
        var server = new NginxServer();
        try
        {
            await File.WriteAllTextAsync(server._directory.File("nginx.conf"), await server.ConfigurationAsync(replicas));
            await ServerPrograms.HandOverAsync(server._directory);
            server._child = ServerPrograms.StartUnprivileged(
                ServerPrograms.Find("nginx"), ["-p", server._directory.Path, "-c", server._directory.File("nginx.conf"), "-g", "daemon off;"], server._directory);
            using var client = new HttpClient { BaseAddress = server.Address };
            await Poll.UntilAsync(() => server.IsAnsweringAsync(client), "nginx answering");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_child is not null)
        {
            // A master that is killed leaves its workers behind.
            _child.Signal(ProcessSignal.Terminate);
            await _child.WaitForExitAsync();
            await _child.DisposeAsync();
        }

        _directory.Dispose();
    }

    /// <summary>What is shipped, with addresses and directories of the test's.</summary>
    private async Task<string> ConfigurationAsync(IEnumerable<Uri> replicas)
    {
        var shipped = await File.ReadAllTextAsync(Repository.File("deploy", "nginx.conf"));
        var servers = string.Concat(replicas.Select(replica => $"server {replica.Authority};\n"));
        return Replace(Replace(Replace(shipped, Listen(), string.Create(CultureInfo.InvariantCulture, $"listen 127.0.0.1:{_port};")),
            Servers(), servers), TemporaryFiles(), _directory.Path + "/");
    }

    private static string Replace(string text, Regex pattern, string by) =>
        pattern.IsMatch(text) ? pattern.Replace(text, by.Replace("$", "$$", StringComparison.Ordinal)) : throw new InvalidOperationException($"{pattern} is not in deploy/nginx.conf.");

    [GeneratedRegex(@"listen 8080;")]
    private static partial Regex Listen();

    [GeneratedRegex(@"(server [\d.]+:8080;\s+)+")]
    private static partial Regex Servers();

    [GeneratedRegex(@"/tmp/")]
    private static partial Regex TemporaryFiles();

    private async Task<bool> IsAnsweringAsync(HttpClient client)
    {
        if (_child is { HasExited: true })
            throw new InvalidOperationException($"nginx ended:\n{_child.Output}");
        try
        {
            using var answer = await client.GetAsync("/health/live");
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
