using System.Diagnostics;
using ChatApi.Infrastructure.Completions;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

public sealed class TiktokenCounterTests
{
    private static readonly TiktokenCounter Counter = new();

    [TestCase("", 0)]
    [TestCase("hello", 1)]
    [TestCase("hello world", 2)]
    public void Tokens_are_counted_as_by_the_model(string text, int tokens) => Assert.That(Counter.Count(text), Is.EqualTo(tokens));

    [Test]
    public void Counting_a_long_text_in_parts_changes_next_to_nothing()
    {
        const string sentence = "¿Qué tal, señor Muñoz? The quick brown fox jumps over 1234 lazy dogs.\n\n";
        var one = Counter.Count(sentence);
        Assert.That(Counter.Count(string.Concat(Enumerable.Repeat(sentence, 100))), Is.EqualTo(100 * one).Within(1).Percent);
    }

    [Test]
    public void Any_text_can_be_counted_in_no_time_and_by_many_at_once()
    {
        string[] texts =
        [
            "¿Qué tal? 👋", "\ud83d", "<|endoftext|>", "\0\r\n", " ", new string(' ', 32_000), new string('a', 32_000),
            string.Concat(Enumerable.Repeat("👩‍👩‍👧", 4_000)), 'x' + string.Concat(Enumerable.Repeat("👋", 16_000)),
        ];
        Counter.Count("The vocabulary is loaded once.");
        var clock = Stopwatch.StartNew();
        Assert.That(() => Parallel.For(0, 2, _ => Assert.That(texts.Select(Counter.Count), Is.All.GreaterThan(0))), Throws.Nothing);
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
    }
}
