using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>The reader that other tests believe is shown streams that it must refuse.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ReplyReaderTests
{
    private const string Start = """data: {"type":"start","run_id":"r"}""" + "\n\n";
    private const string Content = """data: {"type":"content","content":"ñ","seq":1}""" + "\n\n";
    private const string Done = """data: {"type":"done","full_content":"ñ","seq":2}""" + "\n\n";

    [Test]
    public async Task A_good_stream_is_read()
    {
        await using var upstream = ScriptedUpstream.Start();
        await using var reply = await OpenAsync(upstream, Start + ": ping\n\n" + Content + Done, EventDialect.Post);

        await reply.ReadToEndAsync();

        Assert.That((reply.Content, reply.Pings, reply.RunId, reply.Last["full_content"]), Is.EqualTo(("ñ", 1, "r", "ñ")));
    }

    [Test]
    public async Task A_good_stream_for_EventSource_is_read()
    {
        await using var upstream = ScriptedUpstream.Start();
        var body = "retry: 2000\n\n" + Content.Replace("\n\n", "\nid: r:1\n\n", StringComparison.Ordinal) + Done.Replace("\n\n", "\nid: r:2\n\n", StringComparison.Ordinal);
        await using var reply = await OpenAsync(upstream, body, EventDialect.EventSource);

        await reply.ReadToEndAsync();

        Assert.That(reply.Events.Select(received => received.Id), Is.EqualTo(["r:1", "r:2"]));
    }

    [TestCase(Start + Content, TestName = "no terminal event")]
    [TestCase(Start + Done + Done, TestName = "two terminal events")]
    [TestCase(Start + Done + Content, TestName = "something after the terminal event")]
    [TestCase(Start + Content + Content + Done, TestName = "a number twice")]
    [TestCase("data: {\"type\":\"start\"}\r\n\r\n" + Done, TestName = "carriage returns")]
    [TestCase("event: x\n" + Start + Done, TestName = "another line first")]
    [TestCase("data: {\"type\":\"start\"}\nid: 1\n\n" + Done, TestName = "an id line")]
    [TestCase("data: {\"type\":\"start\",\ndata: \"x\":1}\n\n" + Done, TestName = "two data lines")]
    [TestCase(": other\n\n" + Done, TestName = "another comment")]
    [TestCase("data:{\"type\":\"start\"}\n\n" + Done, TestName = "no space after the colon")]
    [TestCase(Start + Done + "data: {", TestName = "half an event at the end")]
    public async Task Is_refused(string body)
    {
        await using var upstream = ScriptedUpstream.Start();
        await using var reply = await OpenAsync(upstream, body, EventDialect.Post);

        await Assert.ThatAsync(reply.ReadToEndAsync, Throws.InstanceOf<AssertionException>());
    }

    private static async Task<ReplyReader> OpenAsync(ScriptedUpstream upstream, string body, EventDialect dialect)
    {
        upstream.Script(reply => reply.Raw(body).SplitEvery(5));
        using var client = new HttpClient();
        return await ReplyReader.OpenAsync(client, new HttpRequestMessage(HttpMethod.Get, upstream.Address), dialect);
    }
}
