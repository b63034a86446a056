using System.Net;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary>What was used is told alike on every database.</summary>
public sealed class UsageTests(DatabaseKind database) : HttpSuite(database)
{
    [Test]
    public async Task A_user_sees_the_replies_of_the_day_and_nobody_elses()
    {
        var user = NewUser();
        foreach (var _ in Enumerable.Range(0, 2))
            await AskAsync(user, ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Usage(9, 2).Done());
        await AskAsync(NewUser(), ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Usage(1000, 2000).Done());

        var usage = (await user.GetAsync("/api/chat/usage")).Expect(HttpStatusCode.OK).Json;
        var day = DateTime.UtcNow.Date;
        Assert.Multiple(() =>
        {
            Assert.That(usage.GetProperty("day").GetString(), Is.EqualTo(day.ToString("yyyy-MM-dd")));
            Assert.That(usage.GetProperty("resets_at").GetDateTime(), Is.EqualTo(day.AddDays(1)));
            Assert.That(
                usage.GetProperty("today").GetRawText(),
                Is.EqualTo("""{"replies":2,"prompt_tokens":18,"completion_tokens":4,"total_tokens":22}"""));
            Assert.That(
                usage.GetProperty("limits").GetProperty("tokens").EnumerateObject().Select(field => field.Value.ValueKind),
                Is.All.EqualTo(JsonValueKind.Null), "no limit is set");
        });
    }

    [Test]
    public async Task Of_what_is_limited_it_says_how_much_is_left()
    {
        var user = NewUser();
        await using var reply = await user.StreamAsync(await user.CreateSessionAsync(), Model.Ask(ScriptedUpstreamReply.Stream().Delta("Hola").Silence()));
        await reply.UntilAsync(received => received.Type == "content");

        var runs = (await user.GetAsync("/api/chat/usage")).Expect(HttpStatusCode.OK).Json.GetProperty("limits").GetProperty("runs");
        Assert.That(runs.GetRawText(), Is.EqualTo("""{"limit":8,"used":1,"reserved":null,"remaining":7,"resets_at":null}"""));
        (await user.PostAsync($"/api/chat/realtime/sessions/{reply.Start["session_id"]}/stop", null)).Expect(HttpStatusCode.OK);
        await Poll.UntilAsync(
            async () => (await user.GetAsync("/api/chat/usage")).Json.GetProperty("limits").GetProperty("runs").GetProperty("remaining").GetInt32() == 8,
            "its place free again");
    }

    [Test]
    public async Task A_user_without_replies_has_used_nothing()
    {
        var usage = (await NewUser().GetAsync("/api/chat/usage")).Expect(HttpStatusCode.OK).Json;
        Assert.That(usage.GetProperty("today").GetProperty("total_tokens").GetInt64(), Is.Zero);
        (await Nobody().GetAsync("/api/chat/usage")).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    private async Task AskAsync(ApiClient user, ScriptedUpstreamReply reply) =>
        (await user.PostAsync("/api/chat", new { content = Model.Ask(reply) })).Expect(HttpStatusCode.OK);
}
