using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ChatApi.Tests.Application.Runs;

public sealed class RunLogTests
{
    private static readonly RunEvent End = new RunEvent.Failed("It broke.", "upstream_error", true, Guid.Empty, 1);

    [Test]
    public async Task What_is_ready_together_travels_as_one_event()
    {
        var log = new RunLog(TimeProvider.System);
        log.Append("Hola");
        log.Append(", ");
        log.Append("¿qué");
        log.End(End);

        Assert.That(await ReadAsync(log, 0), Is.EqualTo(new[] { new RunEvent.Content("Hola, ¿qué", 3), End }));
    }

    [Test]
    public async Task A_reader_that_is_far_behind_gets_the_text_in_events_of_bounded_length()
    {
        var log = new RunLog(TimeProvider.System);
        for (var piece = 0; piece < 1000; piece++)
            log.Append(new string('x', 100));
        log.Append(new string('y', 50_000));
        log.End(End);

        var events = await ReadAsync(log, 0);

        var contents = events.OfType<RunEvent.Content>().ToList();
        Assert.That(string.Concat(contents.Select(content => content.Text)), Is.EqualTo(log.Snapshot().Text));
        Assert.That(contents.SkipLast(1).Select(content => content.Text.Length), Is.All.InRange(1, 16 * 1024));
        Assert.That(contents[0].Seq, Is.EqualTo(163));
        Assert.That(contents[^1], Is.EqualTo(new RunEvent.Content(new string('y', 50_000), 1001)), "A piece is never cut.");
    }

    [Test]
    public async Task A_reader_that_is_there_gets_each_piece_as_it_is_appended()
    {
        var log = new RunLog(TimeProvider.System);
        await using var reader = log.Read(0).GetAsyncEnumerator();
        foreach (var (piece, seq) in new[] { ("a", 1), ("b", 2), ("c", 3) })
        {
            var next = reader.MoveNextAsync();
            Assert.That(next.IsCompleted, Is.False, "A piece is not there before it is appended.");
            log.Append(piece);
            Assert.That(next.IsCompleted, Is.False, "Nor before it is published.");
            log.Publish();
            Assert.That(await next, Is.True);
            Assert.That(reader.Current, Is.EqualTo(new RunEvent.Content(piece, seq)));
        }
    }

    [TestCase(0, "onetwothree")]
    [TestCase(1, "twothree")]
    [TestCase(2, "three")]
    public async Task A_reader_goes_on_after_its_cursor(int after, string rest)
    {
        var log = new RunLog(TimeProvider.System);
        foreach (var piece in new[] { "one", "two", "three" })
            log.Append(piece);
        log.End(End);
        Assert.That(await ReadAsync(log, after), Is.EqualTo(new[] { new RunEvent.Content(rest, 3), End }));
    }

    [Test]
    public async Task A_reader_that_has_all_pieces_gets_the_end_alone()
    {
        var log = new RunLog(TimeProvider.System);
        log.Append("all");
        log.End(End);
        Assert.That(await ReadAsync(log, 1), Is.EqualTo(new[] { End }));
    }

    [Test]
    public void A_character_that_comes_in_halves_is_never_split()
    {
        var log = new RunLog(TimeProvider.System);
        log.Append("smile \ud83d");
        Assert.That(log.Snapshot().Text, Is.EqualTo("smile "), "The half waits.");
        log.Append("\ude00!");
        Assert.That(log.Snapshot(), Is.EqualTo(("smile 😀!", new[] { 6, 9 })));
    }

    [Test]
    public void Half_a_character_that_stays_alone_becomes_the_replacement_character()
    {
        var log = new RunLog(TimeProvider.System);
        log.Append("a\ude00b\ud83d");
        log.Append("c\0\ud83d");
        log.Close();
        Assert.That(log.Snapshot().Text, Is.EqualTo("a\ufffdb\ufffdc\ufffd\ufffd"));
    }

    [Test]
    public void A_piece_without_text_is_no_piece()
    {
        var log = new RunLog(TimeProvider.System);
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
        var log = new RunLog(TimeProvider.System);
        var readers = new List<Task<(int After, string Text)>>();
        foreach (var piece in pieces)
        {
            log.Append(piece);
            if (random.Next(3) == 0)
                log.Publish();
            if (random.Next(10) == 0)
                readers.Add(FollowAsync(log, random.Next(log.Pieces + 1)));
            if (random.Next(20) == 0)
                await Task.Yield();
        }

        log.End(End);
        foreach (var (after, text) in await Task.WhenAll(readers))
            Assert.That(text, Is.EqualTo(string.Concat(pieces.Skip(after))));
    }

    [Test]
    public async Task Only_readers_for_whom_there_is_something_are_woken()
    {
        var log = new RunLog(TimeProvider.System);
        await using var behind = log.Read(0).GetAsyncEnumerator();
        await using var ahead = log.Read(0).GetAsyncEnumerator();
        var first = NextAsync(behind);
        log.Append("a");
        Assert.That(await NextAsync(ahead), Is.EqualTo(new RunEvent.Content("a", 1)), "It is there, and nobody was told yet.");
        var second = NextAsync(ahead);

        log.Publish();
        Assert.That(await first, Is.EqualTo(new RunEvent.Content("a", 1)));
        Assert.That(second.IsCompleted, Is.False);

        log.Append("b");
        log.Publish();
        Assert.That(await second, Is.EqualTo(new RunEvent.Content("b", 2)));
        log.End(End);
        Assert.That(await NextAsync(ahead), Is.EqualTo(End));
        Assert.That(await ahead.MoveNextAsync(), Is.False);
    }

    [Test]
    public async Task A_reader_hears_a_heartbeat_when_nothing_comes_for_fifteen_seconds()
    {
        var time = new FakeTimeProvider();
        var log = new RunLog(time);
        await using var reader = log.Read(0).GetAsyncEnumerator();
        var next = NextAsync(reader);
        time.Advance(TimeSpan.FromSeconds(10));
        log.Append("a");
        log.Publish();
        Assert.That(await next, Is.EqualTo(new RunEvent.Content("a", 1)));

        next = NextAsync(reader);
        time.Advance(TimeSpan.FromSeconds(14.9));
        Assert.That(next.IsCompleted, Is.False, "Fifteen seconds count from the last piece.");
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.That(await next, Is.EqualTo(RunEvent.Heartbeat.Instance));

        next = NextAsync(reader);
        time.Advance(TimeSpan.FromSeconds(15.1));
        Assert.That(await next, Is.EqualTo(RunEvent.Heartbeat.Instance), "And again.");

        next = NextAsync(reader);
        log.End(End);
        Assert.That(await next, Is.EqualTo(End));
    }

    [Test]
    public async Task A_reader_that_leaves_while_it_waits_ends_at_once_and_the_others_go_on()
    {
        var log = new RunLog(TimeProvider.System);
        using var leaving = new CancellationTokenSource();
        await using var stays = log.Read(0).GetAsyncEnumerator();
        await using var leaves = log.Read(0).GetAsyncEnumerator(leaving.Token);
        var (staying, left) = (NextAsync(stays), NextAsync(leaves));

        await leaving.CancelAsync();
        Assert.That(async () => await left, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(NextAsync(leaves).IsCanceled, "Who has left waits no more.");
        log.Append("a");
        log.Publish();

        Assert.That(await staying, Is.EqualTo(new RunEvent.Content("a", 1)));
    }

    private static async Task<RunEvent?> NextAsync(IAsyncEnumerator<RunEvent> reader) => await reader.MoveNextAsync() ? reader.Current : null;

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
        await foreach (var item in log.Read(after))
            events.Add(item);
        return events;
    }

    [Test]
    public async Task What_was_journalled_is_the_same_text_again_however_its_parts_overlap()
    {
        var random = new Random(11);
        var log = new RunLog(TimeProvider.System);
        var entries = new List<JournalEntry>();
        var written = 0;
        for (var piece = 0; piece < 200; piece++)
        {
            log.Append(new string((char)('a' + piece % 26), random.Next(1, 300)));
            if (random.Next(4) != 0)
                continue;
            entries.Add(log.Since(random.Next(10) == 0 ? 0 : written, Guid.Empty, 1)!);
            written = piece + 1;
        }

        entries.Add(log.Since(written, Guid.Empty, 1)!);
        var mirror = new RunLog(TimeProvider.System);
        foreach (var entry in entries)
        {
            mirror.Append(entry);
            Assert.That(mirror.Append(entry), Is.False, "What is there already is not taken again.");
        }

        Assert.That(mirror.Snapshot(), Is.EqualTo(log.Snapshot()));
        Assert.That(log.Since(200, Guid.Empty, 1), Is.Null);
    }

    [Test]
    public async Task What_another_process_has_said_comes_after_what_was_said_here()
    {
        var log = new RunLog(TimeProvider.System);
        log.Append("one");

        Assert.That(log.Append(new JournalEntry(Guid.Empty, 1, 1, 1, "two", [3])), Is.True);

        log.End(End);
        Assert.That(await ReadAsync(log, 1), Is.EqualTo(new[] { new RunEvent.Content("two", 2), End }));
    }

    [Test]
    public void What_does_not_go_on_from_what_is_there_is_not_taken()
    {
        var mirror = new RunLog(TimeProvider.System);

        Assert.That(mirror.Append(new JournalEntry(Guid.Empty, 1, 3, 1, "d", [1])), Is.False);
        Assert.That(mirror.Snapshot().Text, Is.Empty);
    }
}
