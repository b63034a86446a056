namespace ChatApi.Tests.Support;

/// <summary>What is worth a look after a run: <c>artifacts/</c> at the root of the repository, which git ignores.</summary>
public static class Artifacts
{
    public static string Directory { get; } = System.IO.Directory.CreateDirectory(Repository.File("artifacts")).FullName;

    public static Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(Directory, name), text);
}
