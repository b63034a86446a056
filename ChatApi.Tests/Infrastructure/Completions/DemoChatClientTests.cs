using ChatApi.Infrastructure.Completions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

public sealed class DemoChatClientTests
{
    private static readonly TiktokenCounter Tokens = new();

    [TestCase("¿Qué es una API?", true)]
    [TestCase("Hola", true)]
    [TestCase("hola, buenas", true)]
    [TestCase("Explica como funciona esto", true)]
    [TestCase("muchas gracias!", true)]
    [TestCase("Dame un ejemplo de código en Python", true)]
    [TestCase("mañana", true)]
    [TestCase("Hello!", false)]
    [TestCase("What is an API?", false)]
    [TestCase("Who is José Muñoz?", false)]
    [TestCase("Tell me about the El Niño phenomenon", false)]
    [TestCase("ok", false)]
    [TestCase("123 👋", false)]
    [TestCase("", false)]
    public async Task The_answer_is_in_the_language_of_the_question(string question, bool spanish)
    {
        var text = (await Ask(question)).Text;
        Assert.That(text, Does.Contain(spanish ? "asistente de demostración" : "demo assistant"));
        Assert.That(text, Does.Not.Contain(spanish ? "demo assistant" : "asistente de demostración"));
    }

    [Test]
    public async Task The_last_question_decides_about_the_language()
    {
        var conversation = Conversation("¿Qué tal?", "Bien", "What is an API?");
        Assert.That((await Completion.ReadAsync(Demo(), messages: conversation)).Text, Does.Contain("demo assistant"));
    }

    [TestCase("¿Qué es Docker?")]
    [TestCase("What is Docker?")]
    [TestCase("Hello")]
    [TestCase("gracias")]
    public async Task The_answer_shows_markdown_and_says_how_to_get_a_real_model(string question)
    {
        var text = (await Ask(question)).Text;
        Assert.Multiple(() =>
        {
            Assert.That(text, Does.StartWith("### "));
            Assert.That(text, Does.Contain("**").And.Contain("\n- ").And.Contain("```bash\n").And.EndWith("\n```").And.Contain("](https://ollama.com)"));
            Assert.That(text, Does.Contain("`.env`").And.Contain("OPENAI_API_KEY=").And.Contain("OPENAI_BASE_URL="));
            Assert.That(text, Does.Not.Contain('\r'));
            Assert.That(text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), Has.Length.InRange(60, 120));
        });
    }

    [Test]
    public async Task The_answer_depends_on_the_question_and_on_nothing_else()
    {
        var answers = new List<string>();
        foreach (var question in (string[])["Hello", "Thank you!", "What is Docker?", "What is Git?"])
        {
            var answer = (await Ask(question)).Text;
            Assert.That((await Ask(question)).Text, Is.EqualTo(answer));
            answers.Add(answer);
        }

        Assert.That(answers, Is.Unique);
        Assert.That(answers[2], Does.Contain("“What is Docker?”"));
    }

    [Test]
    public async Task The_answer_shows_that_the_history_was_seen()
    {
        var first = (await Ask("What is Docker?")).Text;
        var third = (await Completion.ReadAsync(Demo(), messages: Conversation("My name is Ana", "Hi Ana", "What is my name?"))).Text;
        Assert.That(first, Does.Contain("1 message of").And.Contain("your first question"));
        Assert.That(third, Does.Contain("3 messages of").And.Contain("“My name is Ana”"));
    }

    [Test]
    public async Task Quotes_are_short_and_open_no_code()
    {
        var emoji = string.Concat(Enumerable.Repeat("👩‍👩‍👧", 100));
        var conversation = Conversation("```js\nalert(1)\n```\n\n# x " + emoji, "?", emoji);
        var text = (await Completion.ReadAsync(Demo(), messages: conversation)).Text;
        Assert.Multiple(() =>
        {
            Assert.That(text.Split("```"), Has.Length.EqualTo(3));
            Assert.That(text, Does.Contain("“'''js alert(1) ''' # x 👩‍👩‍👧").And.Contain("👩‍👩‍👧…”"));
            Assert.That(text.EnumerateRunes().Any(rune => rune.Value == 0xFFFD), Is.False);
            Assert.That(text, Has.Length.LessThan(1500));
        });
    }

    [Test]
    public async Task The_words_come_one_by_one_and_the_whole_is_counted()
    {
        var completion = await Ask("What is Docker?");
        Assert.Multiple(() =>
        {
            Assert.That(completion.Pieces, Is.EqualTo(completion.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length));
            Assert.That((completion.Model, completion.FinishReason), Is.EqualTo(("demo", (ChatFinishReason?)ChatFinishReason.Stop)));
            Assert.That(completion.Usage!.InputTokenCount, Is.EqualTo(Tokens.Count("Be brief.") + Tokens.Count("What is Docker?")));
            Assert.That(completion.Usage.OutputTokenCount, Is.EqualTo(Tokens.Count(completion.Text)));
            Assert.That(completion.Usage.TotalTokenCount, Is.EqualTo(completion.Usage.InputTokenCount + completion.Usage.OutputTokenCount));
        });
    }

    [Test]
    public async Task Each_word_takes_its_time_and_a_cancelled_reply_stops()
    {
        var clock = new FakeTimeProvider();
        using var client = new DemoChatClient(Tokens, TimeSpan.FromMilliseconds(45), clock);
        using var cancellation = new CancellationTokenSource();
        await using var reply = client.GetStreamingResponseAsync(Completion.Question).GetAsyncEnumerator(cancellation.Token);

        var next = reply.MoveNextAsync().AsTask();
        clock.Advance(TimeSpan.FromMilliseconds(44));
        Assert.That(next.IsCompleted, Is.False);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(await next, Is.True);

        var stopped = reply.MoveNextAsync().AsTask();
        await cancellation.CancelAsync();
        Assert.That(async () => await stopped.WaitAsync(TimeSpan.FromSeconds(5)), Throws.InstanceOf<OperationCanceledException>());
    }

    private static DemoChatClient Demo() => new(Tokens, TimeSpan.Zero, TimeProvider.System);

    private static Task<Completion> Ask(string question) => Completion.ReadAsync(Demo(), messages: Conversation(question));

    private static List<ChatMessage> Conversation(params string[] texts) =>
    [
        new(ChatRole.System, "Be brief."),
        .. texts.Select((text, index) => new ChatMessage(index % 2 == 0 ? ChatRole.User : ChatRole.Assistant, text)),
    ];
}
