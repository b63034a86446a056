using System.Net;
using System.Net.Sockets;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>Finds and starts the real servers that tests use; those that refuse to run as root get another user.</summary>
public static class ServerPrograms
{
    private static readonly string[] Directories = ["/usr/lib/postgresql/15/bin", "/usr/sbin", "/usr/bin", "/usr/local/bin"];
    private static readonly string[] Users = ["postgres", "nobody"];

    /// <summary>Where a program is. Absent: the test is ignored, but fails in CI, where everything has to be there.</summary>
    public static string Find(string name)
    {
        if (Directories.Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists) is { } path)
            return path;
        Miss($"{name} is not installed (test.sh installs it).");
        throw new FileNotFoundException(name);
    }

    /// <summary>Something that a test needs is not on this machine: that is a failure in CI, where everything has to be there, and elsewhere no fault.</summary>
    public static void Miss(string sentence)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true")
            Assert.Fail(sentence);
        Assert.Ignore(sentence);
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Starts a program, as an unprivileged user where the tests are root.</summary>
    public static ChildProcess StartUnprivileged(
        string program, IEnumerable<string> arguments, string workingDirectory, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var (prefix, all) = AsUnprivileged(program, arguments);
        return ChildProcess.Start(prefix, all, workingDirectory, environment);
    }

    /// <summary>Runs a program to its end, as an unprivileged user where the tests are root.</summary>
    public static Task RunUnprivilegedAsync(string program, IEnumerable<string> arguments, string workingDirectory)
    {
        var (prefix, all) = AsUnprivileged(program, arguments);
        return ChildProcess.RunAsync(prefix, all, workingDirectory);
    }

    /// <summary>Gives a directory to the unprivileged user.</summary>
    public static Task HandOverAsync(string directory) =>
        Environment.IsPrivilegedProcess ? ChildProcess.RunAsync("chown", ["-R", User(), directory], "/") : Task.CompletedTask;

    // setpriv replaces itself by the program, so that the process id is the program's own.
    private static (string Program, IEnumerable<string> Arguments) AsUnprivileged(string program, IEnumerable<string> arguments) =>
        Environment.IsPrivilegedProcess
            ? (Find("setpriv"), [$"--reuid={User()}", $"--regid={User()}", "--clear-groups", program, .. arguments])
            : (program, arguments);

    private static string User() =>
        Users.First(user => File.ReadLines("/etc/passwd").Any(line => line.StartsWith(user + ":", StringComparison.Ordinal)));
}
