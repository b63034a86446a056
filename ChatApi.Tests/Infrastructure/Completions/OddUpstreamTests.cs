using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>What OpenAI-compatible servers send, and OpenAI does not: none of it may cost a reply.</summary>
public sealed class OddUpstreamTests
{
    [TestCase("""{"choices":null}""")]
    [TestCase("""{"choices":[]}""")]
    [TestCase("""{"choices":[null]}""")]
    [TestCase("""{"choices":{}}""")]
    [TestCase("""{"object":"chat.completion.chunk"}""")]
    [TestCase("""{}""")]
    [TestCase("""null""")]
    [TestCase("""{"id":7,"created":"1700000000","model":null,"choices":[{"index":"0","delta":{"content":null}}]}""")]
    [TestCase("""{"choices":[{"index":0,"delta":null,"finish_reason":""}]}""")]
    [TestCase("""{"choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"a":[1,{"b":null}]}]},"finish_reason":null,"logprobs":null}]}""")]
    [TestCase("""{"choices":[{"delta":{"content":["x"]},"finish_reason":{"a":1}}]}""")]
    [TestCase("""{"choices":[{"delta":{"content":17}}]}""")]
    [TestCase("""{"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}],"choices":[]}""")]
    [TestCase("""{"error":null,"choices":[]}""")]
    [TestCase("""{"usage":null,"choices":[]}""")]
    [TestCase("""{"usage":17,"choices":[]}""")]
    [TestCase("""{"usage":{"prompt_tokens":"many","completion_tokens":null},"choices":[]}""")]
    [TestCase("")]
    [TestCase("   ")]
    public async Task An_odd_chunk_is_passed_over(string chunk)
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream().Delta("Ho").Event(chunk).Delta("la").Finish().Usage(9, 2).Done());
        AssertComplete(completion, "Hola");
        Assert.That(completion.Usage!.TotalTokenCount, Is.EqualTo(11));
    }

    [TestCase("data:{0}\n\n", TestName = "No_space_after_the_colon")]
    [TestCase("data: {0}\r\n\r\n", TestName = "Lines_that_end_in_CRLF")]
    [TestCase("data: {0}\r\r", TestName = "Lines_that_end_in_CR")]
    [TestCase("event: message\nid: 7\nretry: 10\ndata: {0}\n\n", TestName = "Other_fields_of_the_event")]
    [TestCase("\uFEFFdata: {0}\n\n", TestName = "A_byte_order_mark")]
    [TestCase(": ping\n\ndata: {0}\n\n", TestName = "Comments")]
    public async Task Events_may_be_framed_in_all_allowed_ways(string frame)
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream()
            .Raw(frame.Replace("{0}", ScriptedUpstreamReply.Chunk("""{"content":"Hola"}"""), StringComparison.Ordinal))
            .Finish());
        AssertComplete(completion, "Hola");
    }

    [TestCase("stop")]
    [TestCase("length")]
    [TestCase("content_filter")]
    [TestCase("something_new")]
    public async Task Any_finish_reason_is_handed_on(string reason)
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream().Delta("Hola").Finish(reason).Done());
        Assert.That(completion.FinishReason, Is.EqualTo(new ChatFinishReason(reason)));
    }

    [Test]
    public async Task The_finish_may_come_with_the_last_piece_and_the_stream_without_a_done()
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream(UpstreamFraming.CloseDelimited)
            .Event(ScriptedUpstreamReply.Chunk("""{"content":"Hola"}""", "\"stop\"")));
        AssertComplete(completion, "Hola");
        Assert.That(completion.Usage, Is.Null);
    }

    [Test]
    public async Task What_follows_done_is_not_read()
    {
        AssertComplete(await Completion.OfAsync(ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Done().Delta(" y más")), "Hola");
    }

    // No attributes: what is no text does not survive in them.
    private static readonly TestCaseData[] Halves =
    [
        new("👋", new[] { "\ud83d", "\udc4b" }) { TestName = "A_pair_in_two_chunks_is_joined" },
        new("a👋b", new[] { "a\ud83d", "\udc4bb" }) { TestName = "A_pair_between_other_text_is_joined" },
        new("👋", new[] { "\ud83d", "", "\udc4b" }) { TestName = "An_empty_piece_between_the_halves_does_no_harm" },
        new("\ufffdx", new[] { "\ud83d", "x" }) { TestName = "A_first_half_alone_is_replaced" },
        new("\ufffd👋", new[] { "\ud83d", "\ud83d", "\udc4b" }) { TestName = "Two_first_halves_are_one_too_many" },
        new("x\ufffdy", new[] { "x", "\udc4by" }) { TestName = "A_second_half_alone_is_replaced" },
        new("x\ufffd", new[] { "x\ud83d" }) { TestName = "A_first_half_at_the_end_is_replaced" },
        new("\ufffd\ufffd", new[] { "\udc4b\ud83d" }) { TestName = "Halves_in_the_wrong_order_are_replaced" },
        new("\"\\/\b\f\n\r\tñ\u0001", new[] { "\"\\/\b\f\n\r\tñ\u0001" }) { TestName = "Long_escapes_are_read" },
    ];

    [TestCaseSource(nameof(Halves))]
    public async Task Escaped_text_is_put_together(string text, string[] pieces)
    {
        var reply = ScriptedUpstreamReply.Stream();
        foreach (var piece in pieces)
            reply.EscapedDelta(piece);
        AssertComplete(await Completion.OfAsync(reply.Finish().Done()), text);
    }

    [Test]
    public async Task Half_an_emoji_waits_for_escaped_and_for_plain_text()
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream().EscapedDelta("\ud83d").Delta("ñ").EscapedDelta("\ud83d"));
        Assert.That(completion.Text, Is.EqualTo("\ufffdñ\ufffd"));
        Assert.That(completion.FinishReason, Is.Null);
    }

    [Test]
    public async Task Short_escapes_are_read()
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream()
            .Event(ScriptedUpstreamReply.Chunk("""{"content":"\"\\\/\b\f\n\r\t\u00F1é"}""")).Finish());
        AssertComplete(completion, "\"\\/\b\f\n\r\tñé");
    }

    [Test]
    public async Task Bytes_that_are_no_text_are_replaced()
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream()
            .Raw("""data: {"choices":[{"delta":{"content":"a""").Bytes(new byte[] { 0xC3 }).Raw("\"}}]}\n\n").Finish());
        AssertComplete(completion, "a\ufffd");
    }

    [Test]
    public async Task The_last_usage_holds_wherever_it_stands()
    {
        var running = await Completion.OfAsync(ScriptedUpstreamReply.Stream().Usage(9, 1).Delta("Ho").Usage(9, 2).Delta("la").Usage(9, 3).Finish().Done());
        var early = await Completion.OfAsync(ScriptedUpstreamReply.Stream().Usage(9, 2).Delta("Hola").Finish().Done());
        var missing = await Completion.OfAsync(ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Done());
        var details = await Completion.OfAsync(ScriptedUpstreamReply.Stream().Delta("Hola").Finish().Event(
            """{"choices":[],"usage":{"completion_tokens":3.0,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2},"prompt_tokens":9}}"""));
        Assert.Multiple(() =>
        {
            Assert.That(running.Usage!.OutputTokenCount, Is.EqualTo(3));
            Assert.That(early.Usage!.OutputTokenCount, Is.EqualTo(2));
            Assert.That(missing.Usage, Is.Null);
            Assert.That(details.Usage!.TotalTokenCount, Is.EqualTo(12));
            Assert.That(details.Usage.CachedInputTokenCount, Is.EqualTo(4));
            Assert.That(details.Usage.ReasoningTokenCount, Is.EqualTo(2));
        });
    }

    [Test]
    public async Task Reasoning_is_no_text_of_the_reply_and_a_refusal_is()
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream()
            .Event(ScriptedUpstreamReply.Chunk("""{"reasoning_content":"Hmm"}"""))
            .Event(ScriptedUpstreamReply.Chunk("""{"content":null,"refusal":"I will not."}""")).Finish().Done());
        AssertComplete(completion, "I will not.");
    }

    [Test]
    public async Task A_reply_of_200_kilobytes_in_one_piece_is_read()
    {
        var text = string.Concat(Enumerable.Repeat("ñandú 👋 ", 20_000));
        AssertComplete(await Completion.OfAsync(ScriptedUpstreamReply.Text(text)), text);
    }

    [Test]
    public async Task A_long_reply_of_small_pieces_is_not_taken_for_an_event_without_end()
    {
        var completion = await Completion.OfAsync(ScriptedUpstreamReply.Stream().Repeat(8_000, reply => reply.Delta("palabra ")).Finish().Done());
        AssertComplete(completion, string.Concat(Enumerable.Repeat("palabra ", 8_000)));
    }

    private static void AssertComplete(Completion completion, string text)
    {
        Assert.That(completion.Failure, Is.Null);
        Assert.That(completion.Text, Is.EqualTo(text));
        Assert.That(completion.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
    }
}
