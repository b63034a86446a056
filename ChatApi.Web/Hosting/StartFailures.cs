using System.Net.Sockets;
using System.Security.Cryptography;
using ChatApi.Application.Configuration;
using Microsoft.AspNetCore.Connections;

namespace ChatApi.Web.Hosting;

/// <summary>Why it did not start, in a line that names what to change and shows no value; null for what is a fault of ours.</summary>
internal static class StartFailures
{
    public static string? Explain(Exception exception) => exception switch
    {
        ConfigurationException => exception.Message,
        IOException { InnerException: AddressInUseException } => "the port of PORT or ASPNETCORE_URLS is in use.",
        SocketException { SocketErrorCode: SocketError.AccessDenied } => "the port of PORT or ASPNETCORE_URLS is not for this user.",
        SocketException => "the address of ASPNETCORE_URLS is none of this machine's.",
        CryptographicException or FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException =>
            "the certificate of Kestrel__Certificates__… cannot be read.",
        InvalidOperationException or FormatException or IOException or ArgumentException or InvalidDataException =>
            $"a setting that ASP.NET Core reads by itself (ASPNETCORE_…, Kestrel__…, Logging__…, appsettings.json) cannot be used: {exception.GetType().Name}.",
        _ => null,
    };
}
