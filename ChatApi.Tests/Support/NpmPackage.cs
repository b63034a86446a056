using System.Collections.Concurrent;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>A directory with a <c>package.json</c> and its lock file: what it needs is installed once in a run, when the first test asks.</summary>
public static class NpmPackage
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly ConcurrentDictionary<string, Lazy<Task>> Installed = new();

    /// <summary>What npm takes from the machine: its cache, the registry and certificates.</summary>
    private static readonly string[] Inherited = ["HOME", "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

    /// <summary>The Node that Playwright brings with it: newer than what distributions have.</summary>
    private static string Node => Path.Combine(AppContext.BaseDirectory, ".playwright", "node", "linux-x64", "node");

    /// <summary>Installs exactly what the lock file says.</summary>
    public static Task InstallAsync(string directory) =>
        Installed.GetOrAdd(directory, path => new Lazy<Task>(() => InstallOnceAsync(path))).Value;

    /// <summary>Runs a file of the package's with Node; what it prints.</summary>
    public static async Task<string> NodeAsync(string directory, string file, string argument)
    {
        await InstallAsync(directory);
        await using var node = ChildProcess.Start(Node, [file, argument], directory);
        var code = await node.WaitForExitAsync(TimeSpan.FromMinutes(2));
        Assert.That(code, Is.Zero, node.Output);
        return node.Output;
    }

    /// <summary>Runs npm; its end is whoever called's to look at.</summary>
    public static async Task<ExitedProcess> NpmAsync(string directory, params IReadOnlyList<string> arguments)
    {
        var environment = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => Inherited.Contains(name) || name.StartsWith("npm_config_", StringComparison.OrdinalIgnoreCase))
            .ToDictionary(name => name, Environment.GetEnvironmentVariable);
        await using var npm = ChildProcess.Start(ServerPrograms.Find("npm"), arguments, directory, environment);
        return new ExitedProcess(await npm.WaitForExitAsync(Patience), npm.Output, npm.Errors);
    }

    /// <summary>Runs npm, which has to succeed.</summary>
    public static async Task SucceedAsync(string directory, params IReadOnlyList<string> arguments)
    {
        if (await NpmAsync(directory, arguments) is { ExitCode: not 0 } failed)
            throw new InvalidOperationException($"npm {string.Join(' ', arguments)} ended with {failed.ExitCode}:\n{failed.Output}");
    }

    private static async Task InstallOnceAsync(string directory)
    {
        // What npm notes of an installation is newer than the lock file that it was made from.
        var (locked, noted) = (Path.Combine(directory, "package-lock.json"), Path.Combine(directory, "node_modules", ".package-lock.json"));
        if (!File.Exists(noted) || File.GetLastWriteTimeUtc(noted) < File.GetLastWriteTimeUtc(locked))
            await SucceedAsync(directory, "ci");
    }
}
