using System.Globalization;
using ChatApi.Application.Configuration;
using Npgsql;

namespace ChatApi.Infrastructure.Persistence.Postgres;

/// <summary>
/// Reads <c>DATABASE_URL</c> as Supabase's dashboard gives it, or in Npgsql's own form, and sets what each way of reaching
/// the server needs.
/// </summary>
internal static class PostgresUrl
{
    private const int DefaultPort = 5432;
    private const int TransactionPoolerPort = 6543;

    /// <summary>Supabase's session pooler gives about fifteen connections in all, to all processes together.</summary>
    private const int SessionPoolerPoolSize = 5;

    private const int DefaultPoolSize = 20;

    /// <summary>More than there are different statements: to parse and plan them each time is half of the server's work.</summary>
    private const int DefaultAutoPrepare = 50;

    /// <returns>Null if the value is not meant for PostgreSQL.</returns>
    /// <exception cref="ConfigurationException">It is, and cannot be used.</exception>
    public static (string ConnectionString, string Mode)? TryParse(string variable, string value)
    {
        var isUri = value.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
            || value.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);
        return isUri || NamesHost(value) ? Read(variable, value, isUri) : null;
    }

    /// <summary>Apart from the other, which would load the driver where it is not needed.</summary>
    private static (string, string) Read(string variable, string value, bool isUri)
    {
        if (value.Contains("[YOUR-PASSWORD]", StringComparison.OrdinalIgnoreCase))
            throw new ConfigurationException($"{variable} still has the placeholder for the password in it.");

        try
        {
            var saysPgBouncer = false;
            var builder = isUri ? FromUri(value, out saysPgBouncer) : new NpgsqlConnectionStringBuilder(value);
            if (string.IsNullOrEmpty(builder.Host))
                throw new FormatException("No host.");
            return Configure(builder, saysPgBouncer);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException or KeyNotFoundException)
        {
            throw new ConfigurationException($"{variable} is not a PostgreSQL address that can be read: postgresql://user:password@host:port/database.");
        }
    }

    private static (string, string) Configure(NpgsqlConnectionStringBuilder builder, bool saysPgBouncer)
    {
        var host = builder.Host!;
        var isPooler = host.EndsWith(".pooler.supabase.com", StringComparison.OrdinalIgnoreCase);
        var isSupabase = isPooler || host.EndsWith(".supabase.co", StringComparison.OrdinalIgnoreCase);
        var isTransaction = saysPgBouncer || builder.Port == TransactionPoolerPort;
        var isSession = isPooler && !isTransaction;

        // Nothing of ours changes the state of a connection, so it needs no reset; behind a transaction pooler the reset
        // would go to somebody else's, and prepared statements are not there the next time.
        builder.NoResetOnClose = true;
        if (isTransaction)
            builder.MaxAutoPrepare = 0;
        else if (!builder.ShouldSerialize("Max Auto Prepare"))
            builder.MaxAutoPrepare = DefaultAutoPrepare;
        builder.SearchPath = null;
        builder.Options = null;
        builder.GssEncryptionMode = GssEncryptionMode.Disable;
        if (isSupabase && !builder.ShouldSerialize("SSL Mode"))
            builder.SslMode = SslMode.Require;
        if (!builder.ShouldSerialize("Maximum Pool Size"))
            builder.MaxPoolSize = isSession ? SessionPoolerPoolSize : DefaultPoolSize;
        if (!builder.ShouldSerialize("Application Name"))
            builder.ApplicationName = "chatapi";
        return (builder.ConnectionString, isTransaction ? "transaction pooler" : isSession ? "session pooler" : "direct");
    }

    /// <summary>
    /// Not <see cref="Uri"/>: the dashboard's passwords come with <c>@</c>, <c>/</c>, <c>#</c> or <c>%</c> as they are, so the
    /// user part ends at the last <c>@</c>.
    /// </summary>
    private static NpgsqlConnectionStringBuilder FromUri(string value, out bool saysPgBouncer)
    {
        var rest = value[(value.IndexOf("://", StringComparison.Ordinal) + 3)..];
        var builder = new NpgsqlConnectionStringBuilder();
        var at = rest.LastIndexOf('@');
        if (at >= 0)
        {
            var user = rest[..at];
            var colon = user.IndexOf(':', StringComparison.Ordinal);
            builder.Username = Uri.UnescapeDataString(colon < 0 ? user : user[..colon]);
            if (colon >= 0)
                builder.Password = Uri.UnescapeDataString(user[(colon + 1)..]);
            rest = rest[(at + 1)..];
        }

        var question = rest.IndexOf('?', StringComparison.Ordinal);
        saysPgBouncer = question >= 0 && ApplyQuery(builder, rest[(question + 1)..]);
        if (question >= 0)
            rest = rest[..question];

        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var database = slash < 0 ? "" : Uri.UnescapeDataString(rest[(slash + 1)..]);
        builder.Database = database.Length == 0 ? "postgres" : database;
        ApplyAuthority(builder, slash < 0 ? rest : rest[..slash]);
        return builder;
    }

    private static void ApplyAuthority(NpgsqlConnectionStringBuilder builder, string authority)
    {
        var colon = authority.LastIndexOf(':');
        var isBracketed = authority.EndsWith(']');
        builder.Host = (colon < 0 || isBracketed ? authority : authority[..colon]).Trim('[', ']');
        builder.Port = colon < 0 || isBracketed
            ? DefaultPort
            : ushort.Parse(authority[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static bool ApplyQuery(NpgsqlConnectionStringBuilder builder, string query)
    {
        var saysPgBouncer = false;
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals]);
            var text = equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
            switch (name)
            {
                case "pgbouncer":
                    saysPgBouncer = text is "true" or "1";
                    break;
                case "sslmode":
                    builder.SslMode = Enum.Parse<SslMode>(text.Replace("-", "", StringComparison.Ordinal), true);
                    break;
                case "sslrootcert":
                    builder.RootCertificate = text;
                    break;
                case "connect_timeout":
                    builder.Timeout = int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
                    break;
                case "application_name":
                    builder.ApplicationName = text;
                    break;
                case "connection_limit":
                    builder.MaxPoolSize = int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
                    break;
                case "options" or "channel_binding" or "schema" or "supa" or "pool_timeout" or "target_session_attrs":
                    // Other clients' settings, which dashboards put in; ours does not need them.
                    break;
                default:
                    builder[name] = text;
                    break;
            }
        }

        return saysPgBouncer;
    }

    /// <summary>What tells Npgsql's own form from SQLite's; the dashboard says <c>Server</c>.</summary>
    private static bool NamesHost(string value) =>
        value.Split(';').Any(setting => setting.Split('=')[0].Trim().ToUpperInvariant() is "HOST" or "SERVER");
}
