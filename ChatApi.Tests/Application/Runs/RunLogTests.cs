using ChatApi.Application.Runs;
using NUnit.Framework;

namespace ChatApi.Tests.Application.Runs;

public sealed class RunLogTests
{
    private static readonly RunEvent End = new RunEvent.Failed("It broke.", "upstream_error", true, Guid.Empty, 1);

    [Test]
    public async Task What_is_ready_together_travels_as_one_event()
    {
        var log = new RunLog();
        log.Append("Hola");
        log.Append(", ");
        log.Append("¿qué");
        log.End(End);

        Assert.That(await ReadAsync(log, 0), Is.EqualTo(new[] { new RunEvent.Content("Hola, ¿qué", 3), End }));
    }

    [Test]
    public async Task A_reader_that_is_there_gets_each_piece_as_it_is_appended()
    {
        var log = new RunLog();
        await using var reader = log.ReadAsync(0, CancellationToken.None).GetAsyncEnumerator();
        foreach (var (piece, seq) in new[] { ("a", 1), ("b", 2), ("c", 3) })
        {
            var next = reader.MoveNextAsync();
            Assert.That(next.IsCompleted, Is.False, "A piece is not there before it is appended.");
            log.Append(piece);
            Assert.That(await next, Is.True);
            Assert.That(reader.Current, Is.EqualTo(new RunEvent.Content(piece, seq)));
        }
    }

    [TestCase(0, "onetwothree")]
    [TestCase(1, "twothree")]
    [TestCase(2, "three")]
    public async Task A_reader_goes_on_after_its_cursor(int after, string rest)
    {
        var log = new RunLog();
        foreach (var piece in new[] { "one", "two", "three" })
            log.Append(piece);
        log.End(End);
        Assert.That(await ReadAsync(log, after), Is.EqualTo(new[] { new RunEvent.Content(rest, 3), End }));
    }

    [Test]
    public async Task A_reader_that_has_all_pieces_gets_the_end_alone()
    {
        var log = new RunLog();
        log.Append("all");
        log.End(End);
        Assert.That(await ReadAsync(log, 1), Is.EqualTo(new[] { End }));
    }

    [Test]
    public void A_character_that_comes_in_halves_is_never_split()
    {
        var log = new RunLog();
        log.Append("smile \ud83d");
        Assert.That(log.Snapshot().Text, Is.EqualTo("smile "), "The half waits.");
        log.Append("\ude00!");
        Assert.That(log.Snapshot(), Is.EqualTo(("smile 😀!", new[] { 6, 9 })));
    }

    [Test]
    public void Half_a_character_that_stays_alone_becomes_the_replacement_character()
    {
        var log = new RunLog();
        log.Append("a\ude00b\ud83d");
        log.Append("c\0\ud83d");
        log.Close();
        Assert.That(log.Snapshot().Text, Is.EqualTo("a\ufffdb\ufffdc\ufffd\ufffd"));
    }

    [Test]
    public void A_piece_without_text_is_no_piece()
    {
        var log = new RunLog();
        log.Append("");
        log.Append("\ud83d");
        Assert.That(log.Pieces, Is.Zero);
    }

    [Test]
    public async Task Many_readers_with_random_cursors_all_see_exactly_the_text()
    {
        var seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var pieces = Enumerable.Range(0, 500).Select(index => $"{index} ñ😀 ").ToList();
        var log = new RunLog();
        var readers = new List<Task<(int After, string Text)>>();
        foreach (var piece in pieces)
        {
            log.Append(piece);
            if (random.Next(10) == 0)
                readers.Add(FollowAsync(log, random.Next(log.Pieces + 1)));
            if (random.Next(20) == 0)
                await Task.Yield();
        }

        log.End(End);
        foreach (var (after, text) in await Task.WhenAll(readers))
            Assert.That(text, Is.EqualTo(string.Concat(pieces.Skip(after))));
    }

    private static async Task<(int After, string Text)> FollowAsync(RunLog log, int after)
    {
        await Task.Yield();
        var (text, seq) = ("", after);
        foreach (var item in await ReadAsync(log, after))
        {
            if (item is not RunEvent.Content content)
                continue;
            Assert.That(content.Seq, Is.GreaterThan(seq));
            (text, seq) = (text + content.Text, content.Seq);
        }

        return (after, text);
    }

    private static async Task<List<RunEvent>> ReadAsync(RunLog log, int after)
    {
        var events = new List<RunEvent>();
        await foreach (var item in log.ReadAsync(after, CancellationToken.None))
            events.Add(item);
        return events;
    }
}
