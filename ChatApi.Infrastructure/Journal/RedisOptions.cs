using System.Globalization;
using ChatApi.Application.Configuration;
using StackExchange.Redis;

namespace ChatApi.Infrastructure.Journal;

/// <summary>Reads <c>REDIS_URL</c>.</summary>
internal static class RedisOptions
{
    private const string Variable = "REDIS_URL";
    private const int DefaultPort = 6379;

    /// <summary>A command that takes longer has failed: the database takes over, within the second in which all must be stored.</summary>
    private const int TimeoutMilliseconds = 400;

    /// <summary>Whether there is a Redis.</summary>
    public static bool AreIn(Settings settings) => settings.Text(Variable) is not null;

    /// <summary>How to connect.</summary>
    /// <exception cref="ConfigurationException">It is no address of a Redis server.</exception>
    public static ConfigurationOptions Read(Settings settings)
    {
        if (!Uri.TryCreate(settings.Text(Variable), UriKind.Absolute, out var uri) || uri.Scheme is not ("redis" or "rediss") || uri.Host.Length == 0
            || !TryReadDatabase(uri, out var database))
            throw new ConfigurationException($"{Variable} must be redis://[:password@]host:port[/db].");

        var user = uri.UserInfo.Split(':', 2);
        return new ConfigurationOptions
        {
            EndPoints = { { uri.Host, uri.Port < 0 ? DefaultPort : uri.Port } },
            User = user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : null,
            Password = user.Length == 2 ? Uri.UnescapeDataString(user[1]) : null,
            DefaultDatabase = database,
            Ssl = uri.Scheme == "rediss",
            ClientName = "chatapi",

            // Redis may be away at the start and come later; what is asked meanwhile fails at once instead of gathering.
            AbortOnConnectFail = false,
            BacklogPolicy = BacklogPolicy.FailFast,
            ReconnectRetryPolicy = new LinearRetry(1000),
            ConnectTimeout = 2000,
            AsyncTimeout = TimeoutMilliseconds,
            SyncTimeout = TimeoutMilliseconds,

            // Time limits are looked at when it beats.
            HeartbeatInterval = TimeSpan.FromMilliseconds(250),

            // It asks each time, too. Else a connection on which nothing was to be read for four time limits is closed at the first late answer.
            HeartbeatConsistencyChecks = true,
            IncludeDetailInExceptions = false,
        };
    }

    private static bool TryReadDatabase(Uri uri, out int database)
    {
        database = 0;
        var path = uri.AbsolutePath.Trim('/');
        return path.Length == 0 || int.TryParse(path, NumberStyles.None, CultureInfo.InvariantCulture, out database);
    }
}
