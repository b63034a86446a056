using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary>When the model fails: an honest status, the question kept, and no apology stored as if the assistant had said it.</summary>
public sealed class UpstreamFailureTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Secret = "canary-upstream-body";

    public static IEnumerable<TestCaseData> Refusals()
    {
        yield return Refusal("a bad request", 400, "bad_request", HttpStatusCode.BadGateway, "upstream_error");
        yield return Refusal("a wrong key", 401, "invalid_api_key", HttpStatusCode.BadGateway, "upstream_misconfigured");
        yield return Refusal("no right", 403, "forbidden", HttpStatusCode.BadGateway, "upstream_misconfigured");
        yield return Refusal("no such model", 404, "model_not_found", HttpStatusCode.BadGateway, "upstream_misconfigured");
        yield return Refusal("a talk too long", 400, "context_length_exceeded", HttpStatusCode.UnprocessableEntity, "context_too_long");
        yield return Refusal("a filter", 400, "content_filter", HttpStatusCode.UnprocessableEntity, "content_filtered");
        yield return Refusal("no money", 429, "insufficient_quota", HttpStatusCode.ServiceUnavailable, "upstream_throttled");
        yield return Refusal("a throttle of an hour", 429, "rate_limit_exceeded", HttpStatusCode.ServiceUnavailable, "upstream_throttled", ("Retry-After", "3600"));
        yield return Refusal("always 500", 500, "server_error", HttpStatusCode.BadGateway, "upstream_error");
    }

    public static IEnumerable<TestCaseData> Breaks()
    {
        yield return Break("nothing but an end", ScriptedUpstreamReply.Status(200, ""), "upstream_error");
        yield return Break("a web page", ScriptedUpstreamReply.Status(200, "<html>It works!</html>"), "upstream_error");
        yield return Break("an error in the stream", ScriptedUpstreamReply.Stream().Event(ScriptedUpstreamReply.Error(Secret)), "upstream_error");
        yield return Break("an end in the middle", ScriptedUpstreamReply.Stream().Role().Delta("La mit").Cut(), "upstream_truncated");
        yield return Break("a reset in the middle", ScriptedUpstreamReply.Stream().Role().Delta("La mit").Delay(50).Reset(), "upstream_truncated");
        yield return Break("no finish", ScriptedUpstreamReply.Stream().Role().Delta("La mit"), "upstream_truncated");
    }

    [TestCaseSource(nameof(Refusals))]
    public async Task The_whole_reply_has_the_status_of_the_failure_with(ScriptedUpstreamReply reply, HttpStatusCode status, string code)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(reply);

        var answer = await user.PostAsync("/api/chat", new { content = question, session_id = session });

        answer.ExpectProblem(status, code);
        Assert.That(answer.Text, Does.Not.Contain(Secret).And.Not.Contain("canary-openai-key"));
        if (status == HttpStatusCode.ServiceUnavailable)
            Assert.That(int.Parse(answer.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), Is.Positive);
        await ExpectOnlyTheQuestionAsync(user, session, question);
    }

    [TestCaseSource(nameof(Refusals))]
    public async Task The_stream_ends_with_an_error_with(ScriptedUpstreamReply reply, HttpStatusCode status, string code)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(reply);

        await using var stream = await user.StreamAsync(session, question);
        var last = await stream.ReadToEndAsync();

        Assert.That((last.Type, last["code"]), Is.EqualTo(("error", code)), $"instead of {status}");
        Assert.That(last["error"], Is.Not.Empty.And.Not.Contain(Secret));
        Assert.That(last.Json.GetProperty("retryable").ValueKind, Is.AnyOf(System.Text.Json.JsonValueKind.True, System.Text.Json.JsonValueKind.False));
        await ExpectOnlyTheQuestionAsync(user, session, question);
    }

    [TestCaseSource(nameof(Breaks))]
    public async Task The_stream_never_shows_a_broken_reply_as_complete_with(ScriptedUpstreamReply reply, string code)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(reply);

        await using var stream = await user.StreamAsync(session, question);
        var last = await stream.ReadToEndAsync();

        Assert.That((last.Type, last["code"]), Is.EqualTo(("error", code)));
        var run = (await user.GetAsync($"/api/chat/runs/{stream.RunId}")).Expect(HttpStatusCode.OK);
        Assert.That(run["status"], Is.EqualTo(code == "upstream_truncated" ? "interrupted" : "failed"));
        Assert.That(run["content"], Is.EqualTo(stream.Content));
        Assert.That(stream.Content, Is.EqualTo(code == "upstream_truncated" ? "La mit" : ""));
        if (stream.Content.Length == 0)
            await ExpectOnlyTheQuestionAsync(user, session, question);
        else
            Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", "La mit")]));
    }

    [TestCaseSource(nameof(Breaks))]
    public async Task The_whole_reply_is_502_with(ScriptedUpstreamReply reply, string code)
    {
        var user = NewUser();

        var answer = await user.PostAsync("/api/chat", new { content = Model.Ask(reply) });

        answer.ExpectProblem(HttpStatusCode.BadGateway, code);
    }

    [Test]
    public async Task A_short_throttle_and_two_hiccups_are_waited_out()
    {
        var user = NewUser();
        var tries = 0;
        var question = Model.Ask(() => Interlocked.Increment(ref tries) switch
        {
            1 => ScriptedUpstreamReply.Status(429, "{}", ("retry-after-ms", "300")),
            2 => ScriptedUpstreamReply.Status(500, "{}"),
            _ => ScriptedUpstreamReply.Text("Al fin"),
        });

        var answer = (await user.PostAsync("/api/chat", new { content = question })).Expect(HttpStatusCode.OK);

        Assert.That(answer.Json.GetProperty("assistant_message").GetProperty("content").GetString(), Is.EqualTo("Al fin"));
        Assert.That(tries, Is.EqualTo(3));
    }

    [Test]
    public async Task After_a_failure_the_session_goes_on()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var failing = Model.Ask(ScriptedUpstreamReply.Status(401, "{}"));
        (await user.PostAsync("/api/chat", new { content = failing, session_id = session })).Expect(HttpStatusCode.BadGateway);

        (await user.PostAsync("/api/chat", new { content = "otra vez", session_id = session })).Expect(HttpStatusCode.OK);

        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", failing), ("user", "otra vez"), ("assistant", ModelScripts.DefaultReply)]));
    }

    private static async Task ExpectOnlyTheQuestionAsync(ApiClient user, string session, string question) =>
        Assert.That((await user.StoredAsync(session)).Where(message => message.Content.Length > 0), Is.EqualTo([("user", question)]));

    private static TestCaseData Refusal(
        string name, int upstream, string upstreamCode, HttpStatusCode status, string code, params (string, string)[] headers) =>
        new TestCaseData(ScriptedUpstreamReply.Status(upstream, ScriptedUpstreamReply.Error(Secret, upstreamCode), headers), status, code)
            .SetArgDisplayNames(name);

    private static TestCaseData Break(string name, ScriptedUpstreamReply reply, string code) => new TestCaseData(reply, code).SetArgDisplayNames(name);
}
