using System.Collections;
using System.Text;
using ChatApi.Infrastructure.Completions;
using ChatApi.Tests.Support;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

/// <summary>Good replies, by every provider.</summary>
public sealed class OpenAIChatClientTests
{
    private static readonly CompletionProvider[] Providers =
        [CompletionProvider.OpenAI, CompletionProvider.OpenAICompatible, CompletionProvider.AzureOpenAI];

    [TestCaseSource(nameof(Providers))]
    public async Task A_reply_is_read_piece_by_piece_with_its_finish_model_and_usage(object provider)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Reply("Hola", ", ¿qué", " tal? 👋");
        using var client = Completion.Bare(Completion.Options(upstream, (CompletionProvider)provider));

        var completion = await Completion.ReadAsync(client);

        Assert.Multiple(() =>
        {
            Assert.That(completion.Failure, Is.Null);
            Assert.That(completion.Text, Is.EqualTo("Hola, ¿qué tal? 👋"));
            Assert.That(completion.Pieces, Is.EqualTo(3));
            Assert.That(completion.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
            Assert.That(completion.Model, Is.EqualTo(ScriptedUpstreamReply.Model));
            Assert.That(completion.Usage!.InputTokenCount, Is.EqualTo(9));
            Assert.That(completion.Usage.OutputTokenCount, Is.EqualTo(3));
            Assert.That(completion.Usage.TotalTokenCount, Is.EqualTo(12));
        });
    }

    /// <summary>The thread that asks may be one that polls the sockets of other streams.</summary>
    [TestCase(100, false)]
    [TestCase(100_000, true)]
    public async Task What_takes_a_while_is_not_done_on_the_thread_that_asks(int length, bool takesAWhile)
    {
        await using var upstream = ScriptedUpstream.Start();
        using var client = Completion.Bare(Completion.Options(upstream));

        Assert.That(await IsWrittenElsewhereAsync("Hola"), Is.True, "It opens a connection.");
        Assert.That(await IsWrittenElsewhereAsync(new string('x', length)), Is.EqualTo(takesAWhile));

        async Task<bool> IsWrittenElsewhereAsync(string question)
        {
            var messages = new WatchedMessages(new ChatMessage(ChatRole.User, question));
            var completion = Task.FromResult<Completion?>(null);
            var asking = new Thread(() => completion = Completion.ReadAsync(client, messages: messages)!);
            asking.Start();
            asking.Join();
            Assert.That((await completion)!.Failure, Is.Null);
            return messages.LastReader != asking;
        }
    }

    [TestCase(CompletionProvider.OpenAI, "/v1/chat/completions", "Authorization", "Bearer " + Completion.Key, "max_completion_tokens")]
    [TestCase(CompletionProvider.OpenAICompatible, "/v1/chat/completions", "Authorization", "Bearer none", "max_tokens")]
    [TestCase(CompletionProvider.AzureOpenAI, "/openai/deployments/the-model/chat/completions?api-version=", "api-key", Completion.Key, "max_tokens")]
    public async Task The_request_is_what_the_provider_expects(object provider, string path, string header, string value, string limit)
    {
        await using var upstream = ScriptedUpstream.Start();
        using var client = Completion.Bare(Completion.Options(upstream, (CompletionProvider)provider));

        await Completion.ReadAsync(client, new ChatOptions { Temperature = 0.7f, TopP = 0.9f, MaxOutputTokens = 2000, StopSequences = ["END"] });

        var call = upstream.Calls.Single();
        Assert.Multiple(() =>
        {
            Assert.That(call.Method, Is.EqualTo("POST"));
            Assert.That(call.Path, Does.StartWith(path));
            Assert.That(call.Headers[header], Is.EqualTo(value));
            Assert.That(call.Body, Is.EqualTo(
                "{\"model\":\"the-model\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"temperature\":0.7,\"top_p\":0.9,"
                + $"\"{limit}\":2000,\"stop\":[\"END\"],\"messages\":[{{\"role\":\"system\",\"content\":\"Be brief.\"}},"
                + "{\"role\":\"user\",\"content\":\"¿Qué tal? \\uD83D\\uDC4B\"}]}"));
            Assert.That(call.Json.GetProperty("messages")[1].GetProperty("content").GetString(), Is.EqualTo("¿Qué tal? 👋"));
        });
    }

    [Test]
    public async Task The_base_address_may_end_in_a_slash_and_the_model_be_chosen_by_call()
    {
        await using var upstream = ScriptedUpstream.Start();
        var options = new CompletionOptions
        {
            Provider = CompletionProvider.OpenAICompatible,
            Model = "the-model",
            Endpoint = new Uri(upstream.BaseUrl + "/"),
        };
        using var client = Completion.Bare(options);

        await Completion.ReadAsync(client, new ChatOptions { ModelId = "another", Instructions = "Be kind." });

        var call = upstream.Calls.Single();
        Assert.That(call.Path, Is.EqualTo("/v1/chat/completions"));
        Assert.That(call.Json.GetProperty("model").GetString(), Is.EqualTo("another"));
        Assert.That(call.Json.GetProperty("messages")[0].GetProperty("content").GetString(), Is.EqualTo("Be kind."));
        Assert.That(call.Json.TryGetProperty("temperature", out _), Is.False);
    }

    [Test]
    public async Task The_text_is_the_same_wherever_the_bytes_are_cut([Values] UpstreamFraming framing)
    {
        const string text = "Añ👩‍👩‍👧 \"q\" \\ \n\t¿?";
        var reply = () => ScriptedUpstreamReply.Stream(framing).Delta("Añ👩‍👩‍👧 \"q\"").EscapedDelta(" \\ \n\t¿?").Comment().Finish().Done();
        var length = (await Record(reply())).Call.SentBytes;

        await using var upstream = ScriptedUpstream.Start();
        using var client = Completion.Bare(Completion.Options(upstream));
        for (var offset = 1L; offset < length; offset++)
        {
            upstream.Enqueue(reply().SplitAt(offset));
            var completion = await Completion.ReadAsync(client);
            Assert.That((completion.Text, completion.FinishReason, completion.Failure), Is.EqualTo((text, (ChatFinishReason?)ChatFinishReason.Stop, default(Exception))), $"cut before byte {offset}");
        }

        Assert.That(length, Is.GreaterThan(500));
    }

    [Test]
    public async Task The_text_is_the_same_when_each_byte_comes_alone()
    {
        var (completion, _) = await Record(ScriptedUpstreamReply.Text("Añ👩‍👩‍👧", "\r\n", "fin").SplitEvery(1));
        Assert.That(completion.Text, Is.EqualTo("Añ👩‍👩‍👧\r\nfin"));
        Assert.That(completion.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
    }

    [Test]
    public async Task A_piece_is_there_before_the_next_one_is_sent()
    {
        await using var upstream = ScriptedUpstream.Start();
        var gate = new TaskCompletionSource();
        upstream.Script(reply => reply.Delta("Hola").WaitFor(gate.Task).Delta("!").Finish().Done());
        using var client = Completion.Bare(Completion.Options(upstream));

        var text = new StringBuilder();
        await foreach (var update in client.GetStreamingResponseAsync(Completion.Question))
        {
            text.Append(update.Text);
            gate.TrySetResult(); // Reached for the first piece only if it was not held back.
        }

        Assert.That(text.ToString(), Is.EqualTo("Hola!"));
    }

    [Test]
    public async Task A_whole_response_is_the_stream_put_together_and_half_a_one_is_a_failure()
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Reply("Hola", "!").Script(reply => reply.Delta("Hola"));
        using var client = Completion.Bare(Completion.Options(upstream));

        var response = await client.GetResponseAsync(Completion.Question);
        Assert.That(response.Text, Is.EqualTo("Hola!"));
        Assert.That(response.Usage!.TotalTokenCount, Is.EqualTo(11));
        Assert.That(
            async () => await client.GetResponseAsync(Completion.Question),
            Throws.TypeOf<ChatApi.Application.Errors.CompletionException>().With.Property("Code").EqualTo("upstream_truncated"));
    }

    private static async Task<(Completion Completion, ScriptedUpstreamCall Call)> Record(ScriptedUpstreamReply reply)
    {
        await using var upstream = ScriptedUpstream.Start();
        upstream.Enqueue(reply);
        using var client = Completion.Bare(Completion.Options(upstream));
        var completion = await Completion.ReadAsync(client);
        return (completion, upstream.Calls.Single());
    }

    private sealed class WatchedMessages(ChatMessage message) : IEnumerable<ChatMessage>
    {
        public Thread? LastReader { get; private set; }

        public IEnumerator<ChatMessage> GetEnumerator()
        {
            LastReader = Thread.CurrentThread;
            return Enumerable.Repeat(message, 1).GetEnumerator();
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
