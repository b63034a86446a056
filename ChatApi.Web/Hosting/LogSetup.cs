using ChatApi.Application.Configuration;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace ChatApi.Web.Hosting;

/// <summary>How the log looks. What is in it, and from which level on, is in <c>appsettings.json</c>.</summary>
internal static class LogSetup
{
    private const string Variable = "LOG_FORMAT";

    /// <summary>Whether each line is JSON: then nothing else may be printed.</summary>
    public static bool IsLogForMachines(this IServiceProvider services) =>
        services.GetRequiredService<IOptions<ConsoleLoggerOptions>>().Value.FormatterName == ConsoleFormatterNames.Json;

    /// <exception cref="ConfigurationException">The format or a level is none; the framework would say so with a stack trace.</exception>
    public static void ConfigureLog(this WebApplicationBuilder builder, Settings settings)
    {
        var formatter = (settings.Text(Variable) ?? "text") switch
        {
            "text" => ConsoleFormatterNames.Simple,
            "json" => ConsoleFormatterNames.Json,
            _ => throw new ConfigurationException($"{Variable} must be text or json."),
        };
        builder.Services.Remove(builder.Services.Single(service => service.ImplementationType == typeof(ConsoleLoggerProvider)));
        builder.Services.AddSingleton<ILoggerProvider, ConsoleLog>();
        builder.Services.PostConfigure<ConsoleLoggerOptions>(options => options.FormatterName = formatter);

        // The blank that parts it from the rest of a line.
        builder.Services.PostConfigure<JsonConsoleFormatterOptions>(options => options.TimestampFormat = options.TimestampFormat?.TrimEnd());
        foreach (var (path, value) in builder.Configuration.GetSection("Logging").AsEnumerable())
        {
            if (path.Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrEmpty(value) && !Enum.TryParse<LogLevel>(value, true, out _))
                throw new ConfigurationException(
                    $"{path.Replace(":", "__", StringComparison.Ordinal)} must be one of {string.Join(", ", Enum.GetNames<LogLevel>())}.");
        }
    }
}
