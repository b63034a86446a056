using System.Text;
using ChatApi.Tests.Support;
using Microsoft.Playwright;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Streaming;

/// <summary>The stream reads the same everywhere, whatever the model says.</summary>
[Parallelizable(ParallelScope.Self)]
public sealed class ParserTests
{
    /// <summary>What ends lines somewhere, what JSON escapes, what has several bytes, units or code points, and what is invisible.</summary>
    private static readonly string[] Awkward =
    [
        "\n", "\r", "\r\n", "\n\n", "\t", "\u2028", "\u2029", "\u0085", "\u000b", "data: ", "id: 7", "event: x", ": ping", "\"", "\\", "\\n", "</script>",
        "ñ", "e\u0301", "é", "👋🏽", "👨‍👩‍👧", "\u202e", "\ufeff", "\u0001", "\u007f", "漢字", "𝒳", "[DONE]", "{}", " ", "a",
    ];

    private ChatApiEnvironment _environment = null!;

    private ModelScripts Model => _environment.Model;

    [OneTimeSetUp]
    public async Task StartAsync() => _environment = await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite);

    [Test]
    public async Task Random_text_reads_the_same_by_the_old_front_end_and_by_a_strict_reader()
    {
        var seed = Environment.TickCount;
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var user = ApiClient.NewUser(_environment.Server);
        var session = await user.CreateSessionAsync();
        for (var i = 0; i < 40; i++)
        {
            var pieces = Enumerable.Range(0, random.Next(1, 40)).Select(_ => Piece(random)).ToArray();
            var text = string.Concat(pieces);
            var question = Model.Ask(() => ScriptedUpstreamReply.Text(pieces));

            var naive = await NaiveFrontEnd.AskAsync(user.Http, session, question);
            await using var strict = await user.StreamAsync(session, question);
            await strict.ReadToEndAsync();

            Assert.That(
                string.Concat(naive.Where(item => item.Json.GetProperty("type").GetString() == "content").Select(item => item.Json.GetProperty("content").GetString())),
                Is.EqualTo(text));
            Assert.That((strict.Content, strict.Last["full_content"]), Is.EqualTo((text, text)));
            Assert.That((await user.GetAsync($"/api/chat/messages/{strict.Last["message_id"]}"))["content"], Is.EqualTo(text));
        }
    }

    [Test]
    public async Task EventSource_of_a_real_browser_reads_it_and_comes_back_with_its_cursor_after_a_break()
    {
        var random = new Random(3);
        var pieces = Enumerable.Range(0, 60).Select(_ => Piece(random)).ToArray();
        var user = ApiClient.NewUser(_environment.Server);
        var session = await user.CreateSessionAsync();
        await using var proxy = FaultProxy.Before(_environment.Server.Address.Port);
        await using var browser = await Browser.LaunchAsync();

        // EventSource sends no token of its own: the browser is told to add it.
        var options = new BrowserNewContextOptions { ExtraHTTPHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {user.Token}" } };
        await using var page = await browser.OpenAsync(new Uri($"http://127.0.0.1:{proxy.Port}/health/live"), options);
        await using var reply = await user.StreamAsync(session, Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(60), pieces)));
        await reply.UntilAsync(received => received.Type == "content");
        var watching = page.Tab.EvaluateAsync<string[]>(
            """
            path => new Promise((resolve, reject) => {
              let text = '', opened = 0;
              const source = new EventSource(path);
              source.onopen = () => opened++;
              source.onerror = () => { if (source.readyState === EventSource.CLOSED) reject(new Error('closed')); };
              setTimeout(() => reject(new Error(`too late, after ${text.length} characters`)), 30000);
              source.onmessage = message => {
                const event = JSON.parse(message.data);
                if (event.type === 'content') text += event.content;
                if (event.type === 'done') { source.close(); resolve([text, event.full_content, String(opened)]); }
              };
            })
            """,
            $"/api/chat/realtime/sessions/{session}/stream");
        await reply.UntilAsync(received => received.Type == "content" && received.Seq > 15);
        proxy.ResetAll();
        var seen = await watching;
        await reply.ReadToEndAsync();

        Assert.That((seen[0], seen[1]), Is.EqualTo((string.Concat(pieces), string.Concat(pieces))));
        Assert.That(seen[2], Is.EqualTo("2"), "It was broken off once, and came back.");
    }

    private static string Piece(Random random)
    {
        var piece = new StringBuilder();
        for (var left = random.Next(1, 5); left > 0; left--)
            piece.Append(Awkward[random.Next(Awkward.Length)]);
        return piece.ToString();
    }
}
