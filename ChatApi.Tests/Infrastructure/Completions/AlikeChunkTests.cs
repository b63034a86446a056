using System.Text;
using System.Text.Json;
using ChatApi.Application.Errors;
using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>A chunk that differs from the one before in its text alone is not read as JSON: what comes of it must be the same.</summary>
public sealed class AlikeChunkTests
{
    /// <summary>Chunks with a place for a text, and some with one for what fills them up.</summary>
    private static readonly string[] Shapes =
    [
        """{"id":"chatcmpl-1","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"#"},"logprobs":null,"finish_reason":null}],"usage":null}""",
        """{"id":"chatcmpl-1","model":"gpt-4o","choices":[{"delta":{"role":"assistant","content":"#","refusal":null}}],"obfuscation":"%"}""",
        """{"id":"chatcmpl-1","model":"gpt-4o","obfuscation":"%","choices":[{"delta":{"content":"#"}}]}""",
        """{"id":"chatcmpl-1","model":"gpt-4o","choices":[{"delta":{"content":"#"}}],"obfuscation":null,"obfuscation":"%","usage":{"prompt_tokens":1,"completion_tokens":5}}""",
        """{"id":"chatcmpl-1","model":"gpt-4o","choices":[{"delta":{"content":"#"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}""",
        """{"choices":[{"delta":{"reasoning_content":"#"}}],"id":"late","model":"%"}""",
        """{"choices":[{"delta":{"reasoning":"%","content":"#"}}]}""",
        """{"choices":[{"delta":{"content":"\ud83d","refusal":"#"}}]}""",
        """{"choices":[{"delta":{"refusal":"always","content":"#"}}]}""",
        """{"choices":[{"delta":{"content":"once","content":"#"}}]}""",
        """{"choices":[{"delta":{"content":"one"}},{"delta":{"content":"#"}}]}""",
        """{"choices":[{"delta":{"content":"#"},"finish_reason":"stop"}]}""",
        """{"choices":[{"delta":{"content":"#"}}],"error":null} """,
        """{"choices":[{"delta":{/* "it" */"content" : "#",}},]}""",
        """{"choices":[{"delta":{"content":"#"}}],"error":{"message":"broken"}}""",
        """{"choices":[{"delta":{"content":["#"]}}]}""",
        """{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}""",
        """{"id":"other","model":"another"}""",
    ];

    private static readonly byte[][] Texts =
    [
        .. new[]
        {
            "a", " token", " and a longer one", "é", "日本", "😀", "", @"\n", @"\""", @"\\", @"\/ \b\f\r\t", @"\u00e9", @"\u00E9", @"\ud83d", @"\udc4b", @"x\ud83d", @"\ud83d\udc4b",
            @"\u12", @"\x", @"\ug234", @"\u1g34", @"\u12g4", @"\u123g", @"\",
            "\t", "\n", "\u0000", "\u001f", "\u007f", "\u2028",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF, (byte)'x'],
    ];

    [Test]
    public void What_comes_of_it_is_what_would_have_come_of_the_json()
    {
        var seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var alike = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var (reader, reference, said) = (new CompletionChunkReader(), new CompletionChunkReader(), new List<string>());
            for (var (chunk, failure) = (0, false); chunk < 12 && !failure; chunk++)
            {
                var data = RandomChunk(random, said);
                AIContent? content = null;
                var isAlike = random.Next(2) == 0 && reader.TryReadAlike(data, isError: false, out content);
                alike += isAlike ? 1 : 0;
                var found = isAlike ? Describe(content is null ? [] : [content]) : Read(reader, data);

                // A number that counts up makes it unlike all others.
                byte[] numbered = [.. Encoding.UTF8.GetBytes($"{{\"n\":{chunk},"), .. data.AsSpan(1)];
                Assert.That(reference.TryReadAlike(numbered, isError: false, out _), Is.False);
                var expected = Read(reference, numbered);
                failure = expected.StartsWith("throws", StringComparison.Ordinal);
                Assert.That(found, Is.EqualTo(isAlike ? expected.Split('\u0001')[0] : expected), () => $"seed {seed}: {string.Join('\n', said)}");
                Assert.That((reader.HasBegun, reader.IsFinished), Is.EqualTo((reference.HasBegun, reference.IsFinished)));
            }

            Assert.That(Describe(reader.End()), Is.EqualTo(Describe(reference.End())), () => $"seed {seed}: {string.Join('\n', said)}");
        }

        Assert.That(alike, Is.GreaterThan(10_000));
    }

    [TestCase("a", "b", true)]
    [TestCase("a", "", true)]
    [TestCase("a", @"\n\""\u00e9", true)]
    [TestCase("a", @"\/\\\b\f\r\t", true)]
    [TestCase(@"\n", "b", true)]
    [TestCase("a", @"\x", false)]
    [TestCase("a", "\t", false)]
    [TestCase("", "b", false)]
    public void It_is_alike_where_nothing_but_its_text_differs(string first, string second, bool isAlike)
    {
        foreach (var shape in Shapes[..3])
        {
            var reader = new CompletionChunkReader();
            Read(reader, Chunk(shape, first, "same"));
            Assert.That(reader.TryReadAlike(Chunk(shape, second, "same"), isError: false, out _), Is.EqualTo(isAlike), shape);
        }
    }

    [Test]
    public void It_is_alike_where_something_else_fills_it_up()
    {
        var reader = new CompletionChunkReader();
        Read(reader, Chunk(Shapes[1], "a", "Rq"));
        Assert.That(reader.TryReadAlike(Chunk(Shapes[1], "b", ""), isError: false, out _), Is.True);
        Assert.That(reader.TryReadAlike(Chunk(Shapes[1], "c", "ZtW0"), isError: false, out var content), Is.True);
        Assert.That(content, Is.InstanceOf<TextContent>().With.Property(nameof(TextContent.Text)).EqualTo("c"));
    }

    [Test]
    public void A_long_chunk_is_not_remembered()
    {
        var reader = new CompletionChunkReader();
        Read(reader, Chunk(Shapes[0], new string('a', ChunkPattern.Longest), ""));
        Assert.That(reader.TryReadAlike(Chunk(Shapes[0], "b", ""), isError: false, out _), Is.False);
    }

    [Test]
    public void An_error_is_alike_to_nothing()
    {
        var reader = new CompletionChunkReader();
        Read(reader, Chunk(Shapes[0], "a", ""));
        Assert.That(reader.TryReadAlike(Chunk(Shapes[0], "b", ""), isError: true, out _), Is.False);
        Assert.That(() => reader.Read(Chunk(Shapes[0], "b", ""), isError: true), Throws.InstanceOf<CompletionException>());
    }

    [Test]
    public async Task What_has_come_together_is_one_update_with_all_the_pieces()
    {
        var updates = await UpdatesAsync([.. "abcdefgh".Select(letter => Event(Shapes[1], letter.ToString())), Event(Shapes[11], "!"), Event(Shapes[11], "?")]);
        Assert.That(updates.Select(update => string.Join('|', update.Contents.Select(content => ((TextContent)content).Text))), Is.EqualTo(new[] { "a|b|c|d|e|f|g|h", "!", "?" }));
        Assert.That(updates.Take(1).Select(update => (update.ResponseId, update.ModelId, update.FinishReason)), Is.EqualTo(new[] { ("chatcmpl-1", "gpt-4o", (ChatFinishReason?)null) }));
    }

    [TestCase("""{"error":{"message":"broken"}}""", ErrorCodes.UpstreamError)]
    [TestCase("""{"choices":[{"delta":{"content":""", ErrorCodes.UpstreamError)]
    public async Task What_came_before_a_fault_is_not_lost_with_it(string fault, string code)
    {
        var pieces = string.Concat("abc".Select(letter => Event(Shapes[0], letter.ToString())));
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream().Raw($"{pieces}data: {fault}\n\n{pieces}"));
        Assert.That((completion.Text, completion.Pieces, completion.Failure?.Code), Is.EqualTo(("abc", 3, code)));
    }

    private static async Task<List<ChatResponseUpdate>> UpdatesAsync(string[] events)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Enqueue(ScriptedUpstreamReply.Stream().Raw(string.Concat(events)).Done());
        using var client = Completion.Bare(Completion.Options(upstream));
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync(Completion.Question))
            updates.Add(update);
        return updates;
    }

    private static string Event(string shape, string text) => $"data: {Encoding.UTF8.GetString(Chunk(shape, text, new string('x', text[0] % 5)))}\n\n";

    /// <summary>Mostly of the shape before.</summary>
    private static byte[] RandomChunk(Random random, List<string> said)
    {
        var shape = said.Count > 0 && random.Next(5) > 0 ? said[^1].Split('\u0001')[0] : Shapes[random.Next(Shapes.Length)];
        var text = Texts[random.Next(4) > 0 ? random.Next(7) : random.Next(Texts.Length)];
        var padding = random.Next(3) > 0 ? "same" : random.Next(3) == 0 ? "" : Encoding.UTF8.GetString(Texts[random.Next(Texts.Length)]);
        said.Add($"{shape}\u0001 {Convert.ToHexString(text)} {padding}");
        return Chunk(shape, text, padding);
    }

    private static byte[] Chunk(string shape, string text, string padding) => Chunk(shape, Encoding.UTF8.GetBytes(text), padding);

    private static byte[] Chunk(string shape, byte[] text, string padding)
    {
        var parts = shape.Replace("%", padding, StringComparison.Ordinal).Split('#');
        return parts.Length == 1 ? Encoding.UTF8.GetBytes(parts[0]) : [.. Encoding.UTF8.GetBytes(parts[0]), .. text, .. Encoding.UTF8.GetBytes(parts[1])];
    }

    private static string Read(CompletionChunkReader reader, byte[] data)
    {
        try
        {
            return Describe(reader.Read(data, isError: false));
        }
        catch (CompletionException failure)
        {
            return $"throws {failure.Code}";
        }
        catch (JsonException)
        {
            return "throws";
        }
    }

    private static string Describe(ChatResponseUpdate? update) => update is null ? ""
        : $"{Describe(update.Contents)}\u0001{update.Role} {update.ResponseId} {update.ModelId} {update.FinishReason}";

    private static string Describe(IEnumerable<AIContent> contents) => string.Join('|', contents.Select(content => content switch
    {
        TextContent text => $"text {text.Text}",
        TextReasoningContent text => $"reasoning {text.Text}",
        UsageContent usage => $"usage {usage.Details.InputTokenCount} {usage.Details.OutputTokenCount}",
        _ => content.GetType().Name,
    }));
}
