using System.Net;
using ChatApi.Application.Configuration;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace ChatApi.Web.Hosting;

/// <summary>
/// Whose word is taken for where a request comes from (<c>X-Forwarded-For</c>) and whether it came by https (<c>X-Forwarded-Proto</c>).
/// Without a proxy that is named, nobody's: whoever may write these headers may pass the limits by.
/// </summary>
internal static partial class TrustedProxies
{
    private const string Variable = "TRUSTED_PROXIES";

    /// <summary>The framework's own switch, <c>ASPNETCORE_FORWARDEDHEADERS_ENABLED</c>, which believes everybody.</summary>
    private const string BelieveAll = "FORWARDEDHEADERS_ENABLED";

    public static void AddTrustedProxies(this IServiceCollection services, Settings settings)
    {
        var proxies = (settings.Text(Variable) ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Read).ToList();

        // After the framework's own, and so the last word: with no proxies known it would take the headers from anybody.
        services.PostConfigure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = proxies.Count == 0 ? ForwardedHeaders.None : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var proxy in proxies)
                options.KnownIPNetworks.Add(proxy);

            // From the last entry to the first that no proxy of ours has written.
            options.ForwardLimit = null;
        });
    }

    public static void UseTrustedProxies(this WebApplication app)
    {
        app.UseForwardedHeaders();
        if (app.Configuration.GetValue<string>(BelieveAll) is { } value && bool.TryParse(value, out var isOn) && isOn)
            LogNotBelieved(app.Logger);
    }

    private static IPNetwork Read(string text)
    {
        if (IPNetwork.TryParse(text, out var network) && network.PrefixLength > 0)
            return network;
        return !text.Contains('/', StringComparison.Ordinal) && IPAddress.TryParse(text, out var address)
            ? new(address, address.GetAddressBytes().Length * 8)
            : throw new ConfigurationException(
                $"{Variable} must be a list of addresses and networks such as 10.0.0.5 or 10.0.0.0/24, separated by commas.");
    }

    [LoggerMessage(LogLevel.Warning, "ASPNETCORE_FORWARDEDHEADERS_ENABLED does nothing here, because it believes everybody: name the proxies in TRUSTED_PROXIES")]
    private static partial void LogNotBelieved(ILogger logger);
}
