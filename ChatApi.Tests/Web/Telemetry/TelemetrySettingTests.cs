using System.Globalization;
using System.Net;
using System.Runtime.Versioning;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Telemetry;

/// <summary>Who asks for telemetry gets it, as OpenTelemetry's variables say; who does not has nothing of it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TelemetrySettingTests
{
    [Test, SupportedOSPlatform("linux")]
    public async Task Nothing_of_it_is_loaded_unless_it_is_asked_for()
    {
        await using var upstream = ScriptedUpstream.Start();
        await using var plain = await ChatApiProcess.StartAsync(ChatApiEnvironment.Settings(upstream));
        await using var world = await TelemetryWorld.StartAsync();
        foreach (var server in new[] { plain, world.Server })
        {
            (await ApiClient.NewUser(server).PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.OK);
            (await ApiClient.Nobody(server).GetAsync("/swagger/v1/swagger.json")).Expect(HttpStatusCode.OK);
        }

        Assert.That(Loaded(world.Server), Is.Not.Empty, "It can be seen where it is.");
        Assert.That(Loaded(plain), Is.Empty);
    }

    [Test]
    public async Task The_variables_of_OpenTelemetry_count_from_the_file_too()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        using var directory = new TemporaryDirectory();
        var settings = collector.Settings().Append(new("JWT_SECRET_KEY", TestTokens.Key))
            .Append(new("OTEL_SERVICE_NAME", "chat-of-the-test"))
            .Append(new("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"))
            .Append(new("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=ana"));
        await File.WriteAllLinesAsync(directory.File(".env"), settings.Select(setting => $"{setting.Key}={setting.Value}"));
        await using var server = await ChatApiProcess.StartAsync(workingDirectory: directory);

        (await ApiClient.NewUser(server).GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);

        await collector.SpanAsync(span => span.Name == "GET api/chat/sessions", "the request");
        await Poll.UntilAsync(() => collector.Points.Count > 0 && collector.Logs.Count > 0, "metrics and logs");
        Assert.That(collector.Resources.Select(resource => resource["service.name"]), Is.All.EqualTo("chat-of-the-test"));
        Assert.That(collector.Resources.Select(resource => resource["deployment.environment.name"]), Is.All.EqualTo("test"));
        Assert.That(collector.Headers.Select(headers => headers.GetValueOrDefault("x-tenant")), Is.All.EqualTo("ana"));
    }

    [Test]
    public async Task It_has_a_name_where_nobody_gives_it_one()
    {
        await using var world = await TelemetryWorld.StartAsync();

        await Poll.UntilAsync(() => world.Collector.Resources.Count > 0, "anything");
        Assert.That(world.Collector.Resources[0]["service.name"], Is.EqualTo("chatapi"));
        Assert.That(world.Collector.Resources[0]["service.version"], Does.Match(@"^\d+\.\d+\.\d+$"));
    }

    [Test]
    public async Task A_collector_that_is_away_stops_no_reply()
    {
        await using var upstream = ScriptedUpstream.Start();
        var settings = ChatApiEnvironment.Settings(upstream);
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = ScriptedUpstream.RefusedAddress().ToString();
        await using var server = await ChatApiProcess.StartAsync(settings);

        (await ApiClient.NewUser(server).PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.OK);

        Assert.That(await server.StopAsync(), Is.Zero);
    }

    [Test]
    public async Task A_port_that_somebody_has_stops_the_start()
    {
        await using var first = await TelemetryWorld.StartAsync();
        var ended = await ChatApiProcess.RunToExitAsync(new Dictionary<string, string?>
        {
            ["METRICS_PORT"] = first.Server.Address.Port.ToString(CultureInfo.InvariantCulture),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["JWT_SECRET_KEY"] = TestTokens.Key,
        });

        Assert.That((ended.ExitCode, ended.Output.Trim()), Is.EqualTo((1, "ChatApi cannot start: the port of METRICS_PORT is in use.")));
    }

    private static List<string> Loaded(ChatApiProcess server) =>
        [.. File.ReadLines($"/proc/{server.Id}/maps").Where(line => line.Contains("/OpenTelemetry", StringComparison.Ordinal))];
}
