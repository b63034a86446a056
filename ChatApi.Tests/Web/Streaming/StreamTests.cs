using System.Net;
using System.Text;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Streaming;

/// <summary>A turn as a stream: framing, fields, order of things.</summary>
public sealed class StreamTests(DatabaseKind database) : HttpSuite(database)
{
    [Test]
    public async Task What_is_streamed_is_what_is_stored()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        await using var reply = await user.StreamAsync(session, "¿Qué tal?");
        var done = await reply.ReadToEndAsync();
        var stored = (await user.GetAsync($"/api/chat/sessions/{session}/messages")).Items;

        Assert.That((done["full_content"], reply.Content), Is.EqualTo((ModelScripts.DefaultReply, ModelScripts.DefaultReply)));
        Assert.That(stored.Select(message => message.GetProperty("content").GetString()), Is.EqualTo(["¿Qué tal?", ModelScripts.DefaultReply]));
        Assert.That(stored[0].GetProperty("id").GetString(), Is.EqualTo(reply.Start["user_message_id"]));
        Assert.That(stored[1].GetProperty("id").GetString(), Is.EqualTo(reply.Start["message_id"]).And.EqualTo(done["message_id"]));
    }

    [Test]
    public async Task Start_and_done_say_what_the_contract_says()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        await using var reply = await user.StreamAsync(session, "Hola");
        var done = await reply.ReadToEndAsync();

        Assert.That(reply.Events[0].Type, Is.EqualTo("start"));
        Assert.That(reply.Start["session_id"], Is.EqualTo(session));
        foreach (var id in new[] { "run_id", "message_id", "user_message_id" })
            Assert.That(Guid.Parse(reply.Start[id]!).Version, Is.EqualTo(7), id);
        Assert.That(done.Type, Is.EqualTo("done"));
        Assert.That((done["finish_reason"], done["model"]), Is.EqualTo(("stop", ScriptedUpstreamReply.Model)));
        var usage = done.Json.GetProperty("usage");
        Assert.That(new[] { "prompt_tokens", "completion_tokens", "total_tokens" }.Select(name => usage.GetProperty(name).GetInt32()), Is.EqualTo([9, 3, 12]));
        Assert.That(reply.Events.Skip(1).SkipLast(1).Select(received => received.Type), Is.All.EqualTo("content"));
        Assert.That(reply.Events.Skip(1).SkipLast(1).Select(received => received["content"]), Is.All.Not.Empty);
    }

    [Test]
    public async Task The_headers_keep_proxies_from_holding_it_back()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        await using var reply = await user.StreamAsync(
            session, "Hola", ("Accept-Encoding", "gzip, br, deflate, zstd"), ("Accept", "text/event-stream"), ("Origin", "http://localhost:5173"));
        await reply.ReadToEndAsync();

        var headers = reply.Response.Headers.Concat(reply.Response.Content.Headers).ToDictionary(header => header.Key, header => string.Join(", ", header.Value));
        Assert.That(headers["Content-Type"], Is.EqualTo("text/event-stream"));
        Assert.That(headers["Cache-Control"].Split(", "), Is.EquivalentTo(["no-cache", "no-transform"]));
        Assert.That(headers["X-Accel-Buffering"], Is.EqualTo("no"));
        Assert.That(headers, Does.Not.ContainKey("Content-Encoding").And.Not.ContainKey("Content-Length"));
        Assert.That(headers, Does.ContainKey("X-Request-ID"));
        Assert.That(headers["Access-Control-Allow-Origin"], Is.EqualTo("http://localhost:5173"));
    }

    [Test]
    public async Task Whole_events_are_written_at_once()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(20), "Ho", "la, ", "¿qué tal? ", "👩‍👩‍👧‍👦", "\n\n", "fin"));
        var body = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { content = question }));

        var answer = await RawHttp.SendAsync(Server.Address, RawHttp.Request($"POST /api/chat/realtime/sessions/{session}/stream", user.Token, body));

        var chunks = RawHttp.Chunks(answer);
        Assert.That(chunks, Has.Count.GreaterThan(3));
        Assert.That(chunks, Is.All.StartsWith("data: {").Or.EqualTo(": ping\n\n"));
        Assert.That(chunks, Is.All.EndsWith("\n\n"));
        Assert.That(string.Concat(chunks), Does.Not.Contain('\r').And.Contain("👩‍👩‍👧‍👦").And.Not.Contain("\\u00bf"));
    }

    [Test]
    public async Task Pieces_arrive_as_they_are_made()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var gates = Enumerable.Range(0, 4).Select(_ => new TaskCompletionSource()).ToList();
        var script = ScriptedUpstreamReply.Stream().Role();
        for (var i = 0; i < gates.Count; i++)
            script.Delta($"pieza {i}. ").WaitFor(gates[i].Task);
        var question = Model.Ask(script.Finish().Usage(1, 4).Done());

        await using var reply = await user.StreamAsync(session, question);

        // Each piece has to come while the model is still holding back the next one.
        for (var i = 0; i < gates.Count; i++)
        {
            await reply.UntilAsync(received => received["content"] is { } text && text.Contains($"pieza {i}. ", StringComparison.Ordinal));
            gates[i].SetResult();
        }

        await reply.ReadToEndAsync();
        Assert.That(reply.Content, Is.EqualTo("pieza 0. pieza 1. pieza 2. pieza 3. "));
    }

    [Test]
    public async Task The_question_is_stored_before_start_and_the_answer_before_done()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().WaitFor(gate.Task).Delta("Hola").Finish().Done());

        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "start");
        var atStart = (await user.GetAsync($"/api/chat/messages/{reply.Start["user_message_id"]}")).Expect(HttpStatusCode.OK);
        gate.SetResult();
        await reply.UntilAsync(received => received.Type == "done");
        var atDone = (await user.GetAsync($"/api/chat/messages/{reply.Start["message_id"]}")).Expect(HttpStatusCode.OK);

        Assert.That((atStart["content"], atDone["content"]), Is.EqualTo((question, "Hola")));
    }

    [Test]
    public async Task The_old_front_end_reads_it()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var text = string.Concat(Enumerable.Repeat("línea con ñ, 👋🏽 y\n\ndata: trampa\n\n", 40));
        var question = Model.Ask(ScriptedUpstreamReply.Text([.. text.EnumerateRunes().Chunk(5).Select(runes => string.Concat(runes))]));

        var events = await NaiveFrontEnd.AskAsync(user.Http, session, question);

        Assert.That(events[0].Json.GetProperty("type").GetString(), Is.EqualTo("start"));
        Assert.That(events[^1].Json.GetProperty("full_content").GetString(), Is.EqualTo(text));
        var content = events.Where(item => item.Json.GetProperty("type").GetString() == "content").Select(item => item.Json.GetProperty("content").GetString());
        Assert.That(string.Concat(content), Is.EqualTo(text));
        Assert.That(content.Select(piece => char.IsLowSurrogate(piece![0]) || char.IsHighSurrogate(piece[^1])), Is.All.False);
    }

    [Test]
    public async Task An_emoji_cut_in_two_by_the_model_arrives_whole()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("a").EscapedDelta("\ud83d").Delay(30).EscapedDelta("\ude00").Finish().Done());

        await using var reply = await user.StreamAsync(session, question);
        await reply.ReadToEndAsync();

        Assert.That(reply.Content, Is.EqualTo("a😀"));
        Assert.That(await user.StoredAsync(session), Is.EqualTo([("user", question), ("assistant", "a😀")]));
    }

    [Test]
    public async Task Without_usage_the_tokens_are_estimated()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Una respuesta").Finish("length").Done());

        await using var reply = await user.StreamAsync(session, question);
        var done = await reply.ReadToEndAsync();

        Assert.That(done["finish_reason"], Is.EqualTo("length"));
        Assert.That(done.Json.GetProperty("usage").GetProperty("total_tokens").GetInt32(), Is.Positive);
    }

    [TestCase("text/plain")]
    [TestCase(null)]
    public async Task What_is_refused_is_refused_before_the_first_byte(string? contentType)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var path = $"/api/chat/realtime/sessions/{session}/stream";

        (await user.PostRawAsync(path, """{"content":"x"}""", contentType)).ExpectProblem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        (await user.PostRawAsync(path, """{"content":""")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");
        (await Nobody().PostRawAsync(path, """{"content":"x"}""")).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.That(await user.StoredAsync(session), Is.Empty);
    }
}
