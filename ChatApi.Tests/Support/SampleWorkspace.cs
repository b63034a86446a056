namespace ChatApi.Tests.Support;

/// <summary>The samples that npm builds, and the tools that come with them: installed from the lock file once in a run, when the first test asks.</summary>
public static class SampleWorkspace
{
    private const int NodeMajor = 20;
    private static readonly Lazy<Task> Installed = new(InstallAsync);
    private static readonly Lazy<Task> Built = new(BuildAllAsync);

    public static string Root => Repository.File("samples");

    /// <summary>Builds all samples once; returns when they are there.</summary>
    public static Task BuildAsync() => Built.Value;

    /// <summary>Runs a script of <c>samples/package.json</c>; its end is whoever called's to look at.</summary>
    public static async Task<ExitedProcess> RunScriptAsync(string script)
    {
        await Installed.Value;
        return await NpmPackage.NpmAsync(Root, "run", script);
    }

    private static async Task InstallAsync()
    {
        await ExpectNodeAsync();
        await NpmPackage.InstallAsync(Root);
    }

    private static async Task BuildAllAsync()
    {
        await Installed.Value;
        var samples = Directory.EnumerateFiles(Root, "package.json", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
            .Select(file => Path.GetRelativePath(Root, Path.GetDirectoryName(file)!)).Where(sample => sample is not ("." or "node_modules"));
        await Task.WhenAll(samples.Select(sample => NpmPackage.SucceedAsync(Root, "run", "build", "--workspace", sample)));
    }

    private static async Task ExpectNodeAsync()
    {
        ServerPrograms.Find("npm");
        await using var node = ChildProcess.Start("node", ["--version"], Root);
        await node.WaitForExitAsync();
        var version = node.Output.Trim();
        if (!int.TryParse(version.TrimStart('v').Split('.')[0], out var major) || major < NodeMajor)
            ServerPrograms.Miss($"The samples need Node.js {NodeMajor}, not {version} (test.sh installs it).");
    }
}
