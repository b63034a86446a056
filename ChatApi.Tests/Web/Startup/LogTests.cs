using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Startup;

/// <summary>Words and secrets stay out of the log.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LogTests
{
    [TestCase("Production")]
    [TestCase("Development")]
    public async Task The_log_has_neither_keys_nor_what_people_say(string environmentName)
    {
        await using var upstream = ScriptedUpstream.Start();
        var settings = ChatApiEnvironment.Settings(upstream);
        settings["ASPNETCORE_ENVIRONMENT"] = environmentName;
        settings["CHAT_SYSTEM_PROMPT"] = "canary-system-prompt";
        await using var server = await ChatApiProcess.StartAsync(settings);
        var nobody = ApiClient.Nobody(server);
        var registered = await nobody.PostAsync("/api/auth/register", new { email = "ana@example.com", password = "canary-password" });
        var token = registered.Expect(HttpStatusCode.Created)["token"];
        var user = new ApiClient(server, Guid.Empty, token);

        upstream.Reply("canary-", "reply").Fail(401, ScriptedUpstreamReply.Error("canary-upstream")).Script(reply => reply.Delta("canary-half").Reset());
        var session = await user.CreateSessionAsync("canary-title");
        await using var good = await user.StreamAsync(session, "canary-question");
        await good.ReadToEndAsync();
        await using var refused = await user.StreamAsync(session, "canary-question");
        await refused.ReadToEndAsync();
        await using var broken = await user.StreamAsync(session, "canary-question");
        await broken.ReadToEndAsync();
        (await nobody.PostAsync("/api/auth/login", new { email = "ana@example.com", password = "canary-wrong" })).Expect(HttpStatusCode.Unauthorized);
        await nobody.PostAsync("/api/auth/register", new { email = "ana@example.com", password = "canary-password" });
        await user.PostRawAsync("/api/chat", """{"content":"canary-broken""");
        await user.GetAsync("/api/chat/sessions?limit=canary-limit");
        await new ApiClient(server, Guid.Empty, token + "x").GetAsync("/api/chat/sessions");
        await server.StopAsync();

        Assert.That(good.Content, Is.EqualTo("canary-reply"));
        Assert.That((refused.Last.Type, broken.Last.Type), Is.EqualTo(("error", "error")));
        foreach (var secret in new[] { "canary", token, token.Split('.')[2], TestTokens.Key })
            Assert.That(server.Output, Does.Not.Contain(secret));
    }

    [Test]
    public async Task What_goes_wrong_is_in_the_log()
    {
        await using var upstream = ScriptedUpstream.Start();
        await using var server = await ChatApiProcess.StartAsync(ChatApiEnvironment.Settings(upstream));
        upstream.Fail(401, "{}");

        (await ApiClient.NewUser(server).PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.BadGateway);

        await Poll.UntilAsync(() => server.Output.Contains("upstream_misconfigured", StringComparison.Ordinal), "a line about it");
    }
}
