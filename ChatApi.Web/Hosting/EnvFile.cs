using System.Text.RegularExpressions;
using ChatApi.Application.Configuration;

namespace ChatApi.Web.Hosting;

/// <summary>
/// Reads <c>.env</c> into the environment, which wins over it: the working directory's, or the nearest parent's. Values are taken as
/// they stand. Libraries replace <c>$name</c> in them, which mangles passwords, and quote what they cannot read.
/// </summary>
internal static partial class EnvFile
{
    private const string FileName = ".env";

    /// <exception cref="ConfigurationException">The file cannot be read; names the line, never what is in it.</exception>
    public static void Load()
    {
        var directory = new DirectoryInfo(Directory.GetCurrentDirectory());
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, FileName)))
            directory = directory.Parent;
        if (directory is null)
            return;
        var number = 0;
        foreach (var line in Read(Path.Combine(directory.FullName, FileName)))
        {
            number++;
            if (line.AsSpan().TrimStart() is not ([] or ['#', ..]))
                Set(line, number);
        }
    }

    private static string[] Read(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{FileName} cannot be read.");
        }
    }

    private static void Set(string line, int number)
    {
        if (Setting().Match(line) is not { Success: true } setting)
            throw new ConfigurationException($"{FileName} cannot be read: line {number} is not NAME=value.");
        var name = setting.Groups["name"].Value;
        if (Environment.GetEnvironmentVariable(name) is null)
            Environment.SetEnvironmentVariable(name, setting.Groups["value"].Value);
    }

    /// <summary>A name, and a value in quotes of either kind or without; a comment after a blank.</summary>
    [GeneratedRegex("""^\s*(export\s+)?(?<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*("(?<value>[^"]*)"|'(?<value>[^']*)'|(?<value>[^"'\s].*?)??)(\s+#.*)?\s*$""")]
    private static partial Regex Setting();
}
