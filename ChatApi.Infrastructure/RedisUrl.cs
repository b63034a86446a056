using ChatApi.Application.Configuration;

namespace ChatApi.Infrastructure;

/// <summary>
/// Looks at <c>REDIS_URL</c>, which nothing uses yet. A value that could never work stops the start already, so that it is not
/// found out on the day that something does.
/// </summary>
internal static class RedisUrl
{
    private const string Variable = "REDIS_URL";

    /// <exception cref="ConfigurationException">It is no address of a Redis server.</exception>
    public static void Check(Settings settings)
    {
        if (settings.Text(Variable) is { } text
            && !(Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "redis" or "rediss" && uri.Host.Length > 0))
            throw new ConfigurationException($"{Variable} must be redis://[:password@]host:port[/db].");
    }
}
