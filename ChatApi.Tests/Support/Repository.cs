namespace ChatApi.Tests.Support;

/// <summary>The files of the repository that the tests compare with what the program does.</summary>
public static class Repository
{
    /// <summary>Where the solution is: the nearest parent of the tests' output that has it.</summary>
    public static string Root { get; } = FindRoot();

    public static string File(params string[] path) => Path.Combine([Root, .. path]);

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !System.IO.File.Exists(Path.Combine(directory.FullName, "ChatApi.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The tests are not inside of the repository.");
    }
}
