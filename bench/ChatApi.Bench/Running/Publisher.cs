using ChatApi.Tests.Support;

namespace ChatApi.Bench.Running;

/// <summary>Makes the ChatApi that users get.</summary>
internal static class Publisher
{
    private const string Program = "ChatApi.Web.dll";

    /// <summary>The one that is measured: a published one, but for a smoke run, which takes what lies beside it.</summary>
    public static async Task<string> ProgramAsync(BenchOptions options) =>
        options.Program is { } published ? In(published)
        : options.IsSmoke ? In(AppContext.BaseDirectory)
        : await PublishAsync();

    /// <summary>The program in a directory of a published one.</summary>
    public static string In(string directory) => Path.Combine(directory, Program);

    /// <summary>Publishes it, and returns its program.</summary>
    private static async Task<string> PublishAsync()
    {
        var directory = Path.Combine(Artifacts.Directory, "bench", "publish");
        string[] arguments = ["publish", Repository.File("ChatApi.Web"), "-c", "Release", "-o", directory, "--nologo", "-nodeReuse:false"];
        await using var child = ChildProcess.Start("dotnet", arguments, Repository.Root, new Dictionary<string, string?>
        {
            ["HOME"] = Environment.GetEnvironmentVariable("HOME"),
        });
        if (await child.WaitForExitAsync(TimeSpan.FromMinutes(5)) != 0)
            throw new InvalidOperationException($"ChatApi could not be published:\n{child.Output}");
        return In(directory);
    }
}
