using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Startup;

/// <summary>A configuration with which ChatApi cannot work stops its start with one line that names the variable, never its value.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ConfigurationTests
{
    private const string Canary = "canary-value";

    public static IEnumerable<TestCaseData> Bad()
    {
        yield return Case("JWT_SECRET_KEY", "JWT_SECRET_KEY", "canary-short");
        yield return Case("JWT_SECRET_KEY", "JWT_SECRET_KEY", new string('ñ', 15));
        yield return Case("AZURE_OPENAI_DEPLOYMENT", "AZURE_OPENAI_ENDPOINT", "https://canary-value.openai.azure.com");
        yield return Case("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_DEPLOYMENT", Canary);
        yield return Case("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", Canary);
        yield return Case("OPENAI_BASE_URL", "OPENAI_BASE_URL", Canary);
        yield return Case("OPENAI_BASE_URL", "OPENAI_BASE_URL", "ftp://canary-value/v1");
        yield return Case("SUPABASE_URL", "SUPABASE_URL", Canary);
        yield return Case("REDIS_URL", "REDIS_URL", Canary);
        yield return Case("REDIS_URL", "REDIS_URL", "http://:canary-value@127.0.0.1:1");
        foreach (var url in new[] { Canary, "mysql://u:canary-value@127.0.0.1/db", "postgres://", "postgres://u:canary-value@127.0.0.1:abc/db", "Host=;canary-value" })
            yield return Case("DATABASE_URL", "DATABASE_URL", url);
        foreach (var port in new[] { "abc", "-1", "70000", "5000.5" })
            yield return Case("PORT", "PORT", port);
        foreach (var origin in new[] { "*", Canary, "ftp://canary-value", "http://localhost:5173,*" })
            yield return Case("FRONTEND_URL", "FRONTEND_URL", origin);
        foreach (var proxies in new[] { Canary, "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1/canary", "10.0.0.1;10.0.0.2" })
            yield return Case("TRUSTED_PROXIES", "TRUSTED_PROXIES", proxies);
        yield return Case("LOG_FORMAT", "LOG_FORMAT", Canary);
        foreach (var port in new[] { "abc", "0", "70000" })
            yield return Case("METRICS_PORT", "METRICS_PORT", port);
        foreach (var url in new[] { Canary, "ftp://canary-value" })
            yield return Case("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", url);
        yield return Case("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL", Canary);
        yield return Case("CHAT_MODELS", "CHAT_MODELS", Canary + new string('x', 200));
        yield return Case("CHAT_TITLES", "CHAT_TITLES", Canary);
        yield return Case("CHAT_TITLE_MODEL", "CHAT_TITLE_MODEL", Canary + new string('x', 200));
        yield return Case("CHAT_PRICES", "CHAT_PRICES", $"{Canary}=1,5/2");
        yield return Case("CHAT_PRICES_CURRENCY", "CHAT_PRICES_CURRENCY", Canary);
        foreach (var name in new[] { "Logging__LogLevel__Default", "Logging__LogLevel__Microsoft.AspNetCore", "Logging__Console__LogLevel__Default" })
            yield return Case(name, name, Canary);
        yield return Case("Logging__", "Logging__Console__FormatterOptions__SingleLine", Canary);
        foreach (var url in new[] { Canary, "ftp://canary-value", "http://canary-value:port", "http://127.0.0.1:0;canary-value" })
            yield return Case("ASPNETCORE_URLS", "ASPNETCORE_URLS", url);
        yield return Case("ASPNETCORE_URLS", "ASPNETCORE_URLS", "http://192.0.2.1:5000");
        yield return Case("Kestrel__", "Kestrel__Endpoints__Canary__Url", Canary);
        yield return Case("Kestrel__Certificates__", "Kestrel__Certificates__Default__Path", "/canary-value.pem");
        foreach (var (name, value) in new[]
        {
            ("CHAT_TEMPERATURE", "9"), ("CHAT_TEMPERATURE", "-0.1"), ("CHAT_TEMPERATURE", "hot"), ("CHAT_TEMPERATURE", "NaN"), ("CHAT_TEMPERATURE", "0,7"),
            ("CHAT_MAX_OUTPUT_TOKENS", "0"), ("CHAT_HISTORY_MESSAGES", "-1"), ("CHAT_CONTEXT_TOKENS", "many"),
            ("CHAT_LIMIT_REQUESTS_PER_MINUTE", "-1"), ("CHAT_LIMIT_TURNS_PER_MINUTE", "x"), ("CHAT_LIMIT_CONCURRENT_RUNS", "-1"),
            ("CHAT_LIMIT_ADDRESS_REQUESTS_PER_MINUTE", "10000001"), ("CHAT_LIMIT_RUNS_PER_PROCESS", "1.5"),
            ("CHAT_LIMIT_TOKENS_PER_DAY", "99999999999999999999"), ("CHAT_LIMIT_SIGN_INS_PER_MINUTE", "1e3"), ("DATABASE_AUTO_MIGRATE", "perhaps"),
        })
            yield return Case(name, name, value);
    }

    [TestCaseSource(nameof(Bad))]
    public async Task Stops_the_start(string named, Dictionary<string, string?> environment, string value)
    {
        var ended = await ChatApiProcess.RunToExitAsync(environment);

        ExpectOneLine(ended, named);
        // A value as short as "9" or "*" may well stand in a sentence about ranges.
        if (value.Length > 6)
            Assert.That(ended.Output, Does.Not.Contain(value));
        Assert.That(ended.Output, Does.Not.Contain("canary"));
    }

    [Test]
    public async Task Outside_Development_a_key_is_required()
    {
        var ended = await ChatApiProcess.RunToExitAsync(new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Production" });

        ExpectOneLine(ended, "JWT_SECRET_KEY");
    }

    [Test]
    public async Task Outside_Development_https_needs_a_certificate()
    {
        var ended = await ChatApiProcess.RunToExitAsync(new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["ASPNETCORE_URLS"] = "https://127.0.0.1:0",
        });

        ExpectOneLine(ended, "Kestrel__Certificates__Default__Path");
    }

    [Test]
    public async Task A_blank_value_is_no_value()
    {
        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>
        {
            ["OPENAI_API_KEY"] = "",
            ["OPENAI_BASE_URL"] = " ",
            ["AZURE_OPENAI_ENDPOINT"] = "",
            ["DATABASE_URL"] = "",
            ["REDIS_URL"] = "",
            ["SUPABASE_URL"] = "",
            ["CHAT_TEMPERATURE"] = " ",
            ["FRONTEND_URL"] = "",
        });

        Assert.That(server.Output, Does.Contain("ChatApi is listening on"));
    }

    private static void ExpectOneLine(ExitedProcess ended, string named)
    {
        Assert.That(ended.ExitCode, Is.EqualTo(1));
        var lines = ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(1), ended.Output);
        Assert.That(lines[0], Does.Contain(named));
    }

    private static TestCaseData Case(string named, string variable, string value)
    {
        var environment = new Dictionary<string, string?> { [variable] = value };
        if (variable == "PORT")
            environment["ASPNETCORE_URLS"] = null;
        return new TestCaseData(named, environment, value).SetArgDisplayNames($"{variable}={value}");
    }
}
