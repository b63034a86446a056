using System.Security.Cryptography;
using System.Text;
using ChatApi.Application.Accounts;
using ChatApi.Application.Configuration;

namespace ChatApi.Infrastructure.Identity;

/// <summary>Finds the key of ChatApi's own tokens; in Development it makes one and keeps it, so that tokens outlive a restart.</summary>
internal static class SigningKey
{
    private const string Variable = "JWT_SECRET_KEY";
    private const string KeyFile = "data/jwt-secret.key";

    /// <summary>HMAC-SHA256 with less is refused by the token library, but only at the first sign-in.</summary>
    private const int ShortestKey = 32;

    public static TokenOptions Read(Settings settings, bool isDevelopment)
    {
        if (settings.Text(Variable) is not { } secret)
        {
            return isDevelopment
                ? new(ReadOrCreate())
                : throw new ConfigurationException($"{Variable} must be set outside Development: {ShortestKey} bytes at least, for instance from `openssl rand -base64 48`.");
        }

        var key = Encoding.UTF8.GetBytes(secret);
        return key.Length >= ShortestKey
            ? new(key)
            : throw new ConfigurationException($"{Variable} is too short: it needs {ShortestKey} bytes at least.");
    }

    private static byte[] ReadOrCreate()
    {
        var path = Path.GetFullPath(KeyFile);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (!File.Exists(path))
                Create(path);
            var key = Convert.FromBase64String(File.ReadAllText(path));
            return key.Length >= ShortestKey ? key : throw new FormatException();
        }
        catch (FormatException)
        {
            throw new ConfigurationException($"{KeyFile} is damaged; delete it to get a new key.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{KeyFile} cannot be read or made; set {Variable}, or let the process write to data/.");
        }
    }

    private static void Create(string path)
    {
        // Written aside and moved into place: a second process sees all of it or nothing, and the first one wins.
        var draft = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var writer = new StreamWriter(draft, options))
            writer.Write(Convert.ToBase64String(RandomNumberGenerator.GetBytes(48)));
        try
        {
            File.Move(draft, path);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(draft);
        }
    }
}
