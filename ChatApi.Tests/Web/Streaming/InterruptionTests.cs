using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Streaming;

/// <summary>What is left of a reply when its process is told to stop, or is killed.</summary>
[TestFixture(DatabaseKind.Sqlite)]
[TestFixture(DatabaseKind.Postgres)]
[Parallelizable(ParallelScope.All)]
public sealed class InterruptionTests(DatabaseKind kind)
{
    private static readonly string[] Words = [.. Enumerable.Range(1, 400).Select(number => $"palabra{number} ")];

    [Test]
    public async Task A_process_that_is_told_to_stop_lets_a_short_reply_finish()
    {
        await using var world = await World.StartAsync(kind, ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(50), Words[..40]));
        var (user, session) = await world.NewSessionAsync();
        await using var reader = await user.StreamAsync(session, "Hola");
        await reader.UntilAsync(received => received.Type == "content");

        var stopped = world.Server.StopAsync(TimeSpan.FromSeconds(30));
        Assert.That((await reader.ReadToEndAsync()).Type, Is.EqualTo("done"));
        Assert.That(reader.Content, Is.EqualTo(string.Concat(Words[..40])));
        Assert.That(await stopped, Is.Zero);
    }

    [Test]
    public async Task While_a_process_stops_it_answers_that_it_takes_no_new_runs()
    {
        await using var world = await World.StartAsync(kind, ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(50), Words[..60]));
        var (user, session) = await world.NewSessionAsync();
        var other = await user.CreateSessionAsync();
        await using var reader = await user.StreamAsync(session, "Hola");
        await reader.UntilAsync(received => received.Type == "content");

        var stopped = world.Server.StopAsync(TimeSpan.FromSeconds(30));
        await Poll.UntilAsync(
            async () => (await user.GetAsync("/health/ready")).Status == HttpStatusCode.ServiceUnavailable, "readiness to end", TimeSpan.FromSeconds(5));
        var refused = await user.PostAsync($"/api/chat/realtime/sessions/{other}/stream", new { content = "Hola" });
        Assert.That(refused.ExpectProblem(HttpStatusCode.ServiceUnavailable, "shutting_down").Header("Retry-After"), Is.Not.Null);
        Assert.That((await reader.ReadToEndAsync()).Type, Is.EqualTo("done"));
        Assert.That(await stopped, Is.Zero);
    }

    [Test]
    public async Task A_reply_that_does_not_finish_in_time_is_stored_as_interrupted_and_its_viewers_are_told()
    {
        await using var world = await World.StartAsync(kind, ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(100), Words));
        var (user, session) = await world.NewSessionAsync();
        await using var reader = await user.StreamAsync(session, "Hola");
        await reader.UntilAsync(received => received.Type == "content");

        var stopped = world.Server.StopAsync(TimeSpan.FromSeconds(30));
        var end = await reader.ReadToEndAsync();
        Assert.That((end.Type, end["code"]), Is.EqualTo(("error", "interrupted")));
        Assert.That(await stopped, Is.Zero);

        await world.RestartAsync();
        user = world.Again(user);
        var message = (await user.GetAsync($"/api/chat/messages/{end["message_id"]}")).Expect(HttpStatusCode.OK);
        Assert.That((message["status"], message["content"]), Is.EqualTo(("interrupted", reader.Content)));
    }

    [Test]
    public async Task After_a_kill_the_text_is_kept_and_the_session_is_free_within_thirty_seconds()
    {
        await using var world = await World.StartAsync(kind, ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(40), Words));
        var (user, session) = await world.NewSessionAsync();
        await using var reader = await user.StreamAsync(session, "Hola");
        await reader.UntilAsync(received => received.Type == "content" && received.Seq > 60);
        world.Server.Kill();
        var killed = DateTimeOffset.UtcNow;

        await world.RestartAsync();
        user = world.Again(user);
        Assert.That(world.Upstream.Calls, Has.Count.EqualTo(1), "The model is never asked again by itself.");
        await using (var attached = await user.AttachAsync(session))
            Assert.That((await attached.ReadToEndAsync())["code"], Is.EqualTo("interrupted"));
        Assert.That(DateTimeOffset.UtcNow - killed, Is.LessThan(TimeSpan.FromSeconds(30)));
        var ledger = string.Concat(
            world.Upstream.Calls[0].Sent.Where(sent => sent.At < killed - TimeSpan.FromSeconds(1)).Select(sent => sent.Text));
        var stored = await user.StoredAsync(session);
        Assert.That(ledger, Is.Not.Empty);
        Assert.That(stored[0], Is.EqualTo(("user", "Hola")));
        Assert.That(stored[1].Content, Does.StartWith(ledger));
        Assert.That(string.Concat(Words), Does.StartWith(stored[1].Content));
        await using var next = await user.StreamAsync(session, "¿Sigues ahí?");
        Assert.That(next.Response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_run_whose_question_would_not_fit_any_more_is_ended_all_the_same()
    {
        await using var world = await World.StartAsync(kind, ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(40), Words));
        var (user, session) = await world.NewSessionAsync();
        await using var reader = await user.StreamAsync(session, string.Concat(Words));
        await reader.UntilAsync(received => received.Type == "content" && received.Seq > 60);
        world.Server.Kill();

        await world.RestartAsync(("CHAT_CONTEXT_TOKENS", "256"));
        user = world.Again(user);

        await Poll.UntilAsync(
            async () => (await user.GetAsync($"/api/chat/runs/{reader.RunId}"))["status"] == "interrupted", "the end of the run");
        Assert.That((await user.StoredAsync(session))[1].Content, Is.Not.Empty);
    }

    /// <summary>A server with a database and a model of its own, which can be started again.</summary>
    private sealed class World(ScriptedUpstream upstream, Dictionary<string, string?> environment, TemporaryDirectory directory) : IAsyncDisposable
    {
        public ChatApiProcess Server { get; private set; } = null!;

        public ScriptedUpstream Upstream => upstream;

        public static async Task<World> StartAsync(DatabaseKind kind, ScriptedUpstreamReply reply)
        {
            var upstream = ScriptedUpstream.Start();
            upstream.Default = _ => reply;
            var postgres = kind == DatabaseKind.Postgres ? await ChatApiEnvironment.PostgresAsync() : null;
            var url = postgres?.Url(await postgres.CreateDatabaseAsync());
            var environment = ChatApiEnvironment.Settings(upstream, url);
            var directory = new TemporaryDirectory();
            File.WriteAllText(directory.File(".env"), "");
            var world = new World(upstream, environment, directory);
            await world.RestartAsync();
            return world;
        }

        public async Task RestartAsync(params (string Name, string Value)[] settings)
        {
            foreach (var (name, value) in settings)
                environment[name] = value;
            Server = await ChatApiProcess.StartAsync(environment, directory.Path);
        }

        public async Task<(ApiClient User, string Session)> NewSessionAsync()
        {
            var user = ApiClient.NewUser(Server);
            return (user, await user.CreateSessionAsync());
        }

        public ApiClient Again(ApiClient user) => new(Server, user.UserId, user.Token);

        public async ValueTask DisposeAsync()
        {
            await Server.DisposeAsync();
            await upstream.DisposeAsync();
            directory.Dispose();
        }
    }
}
