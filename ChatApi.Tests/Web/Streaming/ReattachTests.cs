using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Streaming;

/// <summary>Coming back to a run: from its beginning, from a cursor, live, and after its end.</summary>
public sealed class ReattachTests(DatabaseKind database) : HttpSuite(database)
{
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 15).Select(i => $"pieza {i}, 👋🏽 ñ; ")];
    private static readonly string Text = string.Concat(Pieces);

    [Test]
    public async Task Nothing_runs_is_204()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        await using var before = await user.AttachAsync(session);
        await using var reply = await user.StreamAsync(session, "Hola");
        await reply.ReadToEndAsync();
        await using var after = await user.AttachAsync(session);

        Assert.That((before.Response.StatusCode, after.Response.StatusCode), Is.EqualTo((HttpStatusCode.NoContent, HttpStatusCode.NoContent)));
    }

    [Test]
    public async Task Without_a_cursor_the_active_run_comes_from_its_beginning()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await user.StreamAsync(session, Model.Ask(Slow()));
        await ReadContentsAsync(reply, 4);

        await using var again = await user.AttachAsync(session);
        var done = await again.ReadToEndAsync();
        await reply.ReadToEndAsync();

        Assert.That((again.Content, done["full_content"], reply.Content), Is.EqualTo((Text, Text, Text)));
        Assert.That(again.Start["run_id"], Is.EqualTo(reply.RunId));
        Assert.That(again.Events.Where(received => received.Type != "start").Select(received => received.Id),
            Is.EqualTo(again.Events.Where(received => received.Type != "start").Select(received => $"{reply.RunId}:{received.Seq}")));
        Assert.That(again.Response.Content.Headers.ContentType!.ToString(), Is.EqualTo("text/event-stream"));
    }

    [Test]
    public async Task With_a_cursor_only_what_comes_after_it_comes([Values("query", "header")] string how, [Values(0, 1, 4)] int after)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var reply = await user.StreamAsync(session, Model.Ask(Slow()));
        await ReadContentsAsync(reply, after);
        var seq = after == 0 ? 0 : reply.Last.Seq;
        await reply.DisposeAsync();

        await using var rest = how == "query"
            ? await user.AttachAsync(session, $"?run_id={reply.RunId}&after={seq}")
            : await user.AttachAsync(session, "", ("Last-Event-ID", $"{reply.RunId}:{seq}"));
        await rest.ReadToEndAsync();

        Assert.That(reply.Content + rest.Content, Is.EqualTo(Text));
        Assert.That(rest.Events.Where(received => received.Type != "start").Select(received => received.Seq), Is.All.GreaterThan(seq));
    }

    [Test]
    public async Task With_a_cursor_a_run_that_has_ended_is_told_to_its_end()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await user.StreamAsync(session, Model.Ask(Slow()));
        await reply.ReadToEndAsync();
        var seen = reply.Events.Where(received => received.Type == "content").Skip(2).First();

        await using var rest = await user.AttachAsync(session, $"?run_id={reply.RunId}&after={seen.Seq}");
        var done = await rest.ReadToEndAsync();

        var before = string.Concat(reply.Events.TakeWhile(received => received != seen).Append(seen)
            .Where(received => received.Type == "content").Select(received => received["content"]));
        Assert.That((before + rest.Content, done["full_content"]), Is.EqualTo((Text, Text)));
    }

    [Test]
    public async Task Many_who_watch_see_the_same()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();
        await using var reply = await user.StreamAsync(session, Model.Ask(
            ScriptedUpstreamReply.Stream().Role().Delta(Pieces[0]).WaitFor(gate.Task).Delta(string.Concat(Pieces[1..])).Finish().Done()));
        await ReadContentsAsync(reply, 1);

        var viewers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => user.AttachAsync(session)));
        gate.SetResult();
        var contents = await Task.WhenAll(viewers.Select(async viewer =>
        {
            await viewer.ReadToEndAsync();
            await viewer.DisposeAsync();
            return viewer.Content;
        }));

        Assert.That(contents, Is.All.EqualTo(Text));
    }

    [TestCase("garbage")]
    [TestCase("{run}")]
    [TestCase("{run}:")]
    [TestCase("{run}:-1")]
    [TestCase("{run}:abc")]
    [TestCase("{run}:999999999")]
    [TestCase("{run}:99999999999999999999999")]
    [TestCase("00000000-0000-7000-8000-000000000000:1")]
    [TestCase(":")]
    [TestCase("{long}")]
    public async Task A_cursor_that_is_no_cursor_is_400(string cursor)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await user.StreamAsync(session, "Hola");
        await reply.ReadToEndAsync();
        cursor = cursor.Replace("{run}", reply.RunId, StringComparison.Ordinal).Replace("{long}", new string('x', 5000), StringComparison.Ordinal);

        await using var attached = await user.AttachAsync(session, "", ("Last-Event-ID", cursor));

        (await attached.RefusalAsync()).ExpectProblem(HttpStatusCode.BadRequest, "invalid_event_id");
    }

    [Test]
    public async Task A_cursor_of_another_sessions_run_is_400()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var other = await user.StreamAsync(await user.CreateSessionAsync(), "Hola");
        await other.ReadToEndAsync();

        await using var attached = await user.AttachAsync(session, $"?run_id={other.RunId}&after=1");

        (await attached.RefusalAsync()).ExpectProblem(HttpStatusCode.BadRequest, "invalid_event_id");
    }

    private static ScriptedUpstreamReply Slow() => ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(25), Pieces);

    /// <summary>Reads <c>start</c> and this many pieces.</summary>
    private static async Task ReadContentsAsync(ReplyReader reply, int contents)
    {
        await reply.UntilAsync(received => received.Type == "start");
        for (var i = 0; i < contents; i++)
            await reply.UntilAsync(received => received.Type == "content");
    }
}
