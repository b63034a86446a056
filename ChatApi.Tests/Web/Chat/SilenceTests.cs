using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary>A model that says nothing, says no more, or is not there; on a server that has little patience.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SilenceTests
{
    private ScriptedUpstream _upstream = null!;
    private ModelScripts _model = null!;
    private ChatApiProcess _server = null!;
    private ApiClient _user = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _upstream = ScriptedUpstream.Start();
        _model = new ModelScripts(_upstream);
        var settings = ChatApiEnvironment.Settings(_upstream);
        settings["UPSTREAM_FIRST_CONTENT_TIMEOUT_SECONDS"] = "1";
        settings["UPSTREAM_IDLE_TIMEOUT_SECONDS"] = "1";
        settings["UPSTREAM_MAX_RETRIES"] = "0";
        _server = await ChatApiProcess.StartAsync(settings);
        _user = ApiClient.NewUser(_server);
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    public static IEnumerable<TestCaseData> Silences()
    {
        yield return new TestCaseData(ScriptedUpstreamReply.Nothing().Silence()).SetArgDisplayNames("before the headers");
        yield return new TestCaseData(ScriptedUpstreamReply.Stream().Role().Silence()).SetArgDisplayNames("before the first word");
        yield return new TestCaseData(ScriptedUpstreamReply.Stream().Repeat(1000, more => more.Comment().Delay(50))).SetArgDisplayNames("with comments for ever");
    }

    [TestCaseSource(nameof(Silences))]
    public async Task The_whole_reply_is_504(ScriptedUpstreamReply silence)
    {
        var answer = await _user.PostAsync("/api/chat", new { content = _model.Ask(silence) });

        answer.ExpectProblem(HttpStatusCode.GatewayTimeout, "upstream_timeout");
    }

    [TestCaseSource(nameof(Silences))]
    public async Task The_stream_ends_with_an_error(ScriptedUpstreamReply silence)
    {
        var session = await _user.CreateSessionAsync();
        var question = _model.Ask(silence);

        await using var reply = await _user.StreamAsync(session, question);
        var last = await reply.ReadToEndAsync();

        Assert.That((last.Type, last["code"], last.Json.GetProperty("retryable").GetBoolean()), Is.EqualTo(("error", "upstream_timeout", true)));
        await _model.CallsFor(question)[0].ClientClosed.WaitAsync(Poll.Patience);
    }

    [Test]
    public async Task Silence_in_the_middle_keeps_the_text()
    {
        var session = await _user.CreateSessionAsync();
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("La mitad").Silence());

        await using var reply = await _user.StreamAsync(session, question);
        var last = await reply.ReadToEndAsync();

        Assert.That((last.Type, last["code"], reply.Content), Is.EqualTo(("error", "upstream_timeout", "La mitad")));
        Assert.That(await _user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", "La mitad")]));
    }

    [Test]
    public async Task A_model_that_is_not_there_is_502()
    {
        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>(ChatApiEnvironment.Settings(_upstream))
        {
            ["OPENAI_BASE_URL"] = $"{ScriptedUpstream.RefusedAddress()}v1",
            ["UPSTREAM_MAX_RETRIES"] = "0",
        });

        (await ApiClient.NewUser(server).PostAsync("/api/chat", new { content = "Hola" })).ExpectProblem(HttpStatusCode.BadGateway, "upstream_error");
    }

    [Test]
    public async Task A_model_that_thinks_for_long_is_heard_by_pings()
    {
        await using var server = await ChatApiProcess.StartAsync(ChatApiEnvironment.Settings(_upstream));
        var user = ApiClient.NewUser(server);
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();

        await using var reply = await user.StreamAsync(session, _model.Ask(ScriptedUpstreamReply.Stream().Role().WaitFor(gate.Task).Delta("Al fin").Finish().Done()));
        await reply.UntilPingAsync();
        gate.SetResult();
        await reply.ReadToEndAsync();

        Assert.That(reply.Content, Is.EqualTo("Al fin"));
    }
}
