using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.Extensions.AI;
using NUnit.Framework;

namespace ChatApi.Tests.Application.Runs;

public sealed class ContextWindowTests
{
    private static readonly TurnOptions Options = new("Be kind.", 0.7, 2000, 10, 1000);

    [Test]
    public void The_system_prompt_comes_first_and_the_question_last_and_once() =>
        Assert.That(Build(Options, History("u1", "a2"), "u3"), Is.EqualTo(new[] { "system:Be kind.", "user:u1", "assistant:a2", "user:u3" }));

    [Test]
    public void An_empty_system_prompt_is_none() =>
        Assert.That(Build(Options with { SystemPrompt = "" }, History("u1", "a2"), "u3"), Is.EqualTo(new[] { "user:u1", "assistant:a2", "user:u3" }));

    [Test]
    public void A_history_that_begins_with_a_reply_is_sent_as_it_is_where_it_fits() =>
        Assert.That(Build(Options, History("a1", "u2", "a3"), "u4"), Has.Length.EqualTo(5));

    [Test]
    public void The_oldest_go_first_where_all_does_not_fit()
    {
        // 2 words + 4 for the prompt, 1 + 4 for the question: 14 are left for 5 each.
        var context = Build(Options with { ContextTokens = 25 }, History("u1", "a2", "u3", "a4", "u5", "a6"), "u7", pad: true);
        Assert.That(context.Select(line => line.Split(' ')[0]), Is.EqualTo(new[] { "system:Be", "user:u5", "assistant:a6", "user:u7" }));
    }

    [Test]
    public void A_reply_does_not_go_without_its_question()
    {
        var context = Build(Options with { ContextTokens = 27 }, History("u1", "a2", "u3", "a4"), "u5", pad: true);
        Assert.That(context.Select(line => line.Split(' ')[0]), Is.EqualTo(new[] { "system:Be", "user:u3", "assistant:a4", "user:u5" }));
    }

    [Test]
    public void A_question_that_cannot_fit_is_refused()
    {
        var question = string.Join(' ', Enumerable.Repeat("word", 300));
        Assert.That(
            () => Build(Options with { ContextTokens = 256 }, [], question),
            Throws.TypeOf<InvalidRequestException>().With.Property("Code").EqualTo("context_too_long"));
    }

    [Test]
    public void What_fits_by_its_bytes_is_not_counted()
    {
        var counter = new WordCounter();
        ContextWindow.Build(Options, History("u1", "a2"), "u3", counter);
        Assert.That(counter.Calls, Is.Zero);
    }

    private static string[] Build(TurnOptions options, List<Utterance> history, string question, bool pad = false)
    {
        // A long word: more bytes than the budget has, but one token.
        var tail = pad ? " " + new string('x', 500) : "";
        return [.. ContextWindow.Build(options, history.ConvertAll(said => said with { Content = said.Content + tail }), question, new WordCounter()).Messages
            .Select(message => $"{(message.Role == ChatRole.System ? "system" : message.Role.Value)}:{message.Text}")];
    }

    /// <summary>Messages by name: <c>u…</c> is the user's, <c>a…</c> the assistant's.</summary>
    private static List<Utterance> History(params string[] names) =>
        [.. names.Select(name => new Utterance(Guid.NewGuid(), name[0] == 'u' ? MessageRole.User : MessageRole.Assistant, name))];

    private sealed class WordCounter : ITokenCounter
    {
        public int Calls { get; private set; }

        public int Count(string text)
        {
            Calls++;
            return text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        }
    }
}
