using System.Net.ServerSentEvents;
using System.Text;
using ChatApi.Application.Errors;
using ChatApi.Infrastructure.Completions;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Completions;

public sealed class EventStreamReaderTests
{
    // The type of an event without data is forgotten with it; the runtime's parser keeps it for the next.
    private static readonly string[] Parts =
    [
        "data:", "data: ", "data", "event: error\ndata:", "event:error\ndata: x", "event: other\ndata", ":", ": ping", "id: 7", "dat", "x", " ", "é👋", "\uFEFF",
    ];

    private static readonly string[] LineEnds = ["\n", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r"];

    [Test]
    public async Task It_finds_the_events_that_the_runtimes_own_parser_finds_however_the_bytes_arrive()
    {
        var seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var events = 0;
        for (var round = 0; round < 5_000; round++)
        {
            var bytes = RandomStream(random);
            var expected = Parse(bytes);
            var found = await ReadAsync(new Pieces(bytes, random));
            Assert.That(found, Is.EqualTo(expected), () => $"seed {seed}: {Convert.ToHexString(bytes)}");
            events += found.Count;
        }

        Assert.That(events, Is.GreaterThan(5_000));
    }

    [Test]
    public async Task The_type_of_an_event_without_data_is_forgotten()
    {
        var stream = new MemoryStream(Encoding.UTF8.GetBytes("event: error\n\ndata: x\n\nevent: error\nevent: other\ndata: y\n\n"));
        Assert.That(await ReadAsync(stream), Is.EqualTo(new[] { ("x", false), ("y", false) }));
    }

    [Test]
    public async Task Comments_without_end_take_no_memory()
    {
        var comments = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(": still thinking\n\n", 200_000)) + "data: x\n\n");
        Assert.That(await ReadAsync(new MemoryStream(comments)), Is.EqualTo(new[] { ("x", false) }));
    }

    [TestCase("data: ")]
    [TestCase("data: x\ndata: ")]
    [TestCase(": ")]
    public void A_line_without_end_is_refused(string begin)
    {
        var endless = new Pieces([.. Encoding.UTF8.GetBytes(begin), .. new byte[EventStreamReader.LongestEvent + 1]], null);
        Assert.That(async () => await ReadAsync(endless), Throws.InstanceOf<CompletionException>());
        Assert.That(endless.Position, Is.LessThanOrEqualTo(EventStreamReader.LongestEvent + begin.Length));
    }

    [Test]
    public void Data_lines_without_end_are_refused()
    {
        var lines = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("data: word\n", 200_000)));
        Assert.That(async () => await ReadAsync(new MemoryStream(lines)), Throws.InstanceOf<CompletionException>());
    }

    [Test]
    public async Task A_line_that_comes_a_byte_at_a_time_is_searched_once()
    {
        var line = Encoding.UTF8.GetBytes("data: " + new string('x', 500_000) + "\n\n");
        var reading = ReadAsync(new Pieces(line, null, largest: 1));
        Assert.That(await reading.WaitAsync(TimeSpan.FromSeconds(20)), Has.Count.EqualTo(1));
    }

    private static byte[] RandomStream(Random random)
    {
        var text = new StringBuilder();
        for (var lines = random.Next(1, 20); lines > 0; lines--)
        {
            for (var parts = random.Next(3); parts >= 0; parts--)
                text.Append(Parts[random.Next(Parts.Length)]);
            text.Append(LineEnds[random.Next(LineEnds.Length)]);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static List<(string Data, bool IsError)> Parse(byte[] bytes) =>
        [.. SseParser.Create(new MemoryStream(bytes)).Enumerate().Select(item => (item.Data, item.EventType == "error"))];

    private static async Task<List<(string Data, bool IsError)>> ReadAsync(Stream stream)
    {
        using var reader = new EventStreamReader(stream);
        var found = new List<(string, bool)>();
        do
        {
            while (reader.TryRead(out var data, out var isError))
            {
                // What is put back is read again.
                if (found.Count % 2 == 0)
                {
                    reader.PutBack();
                    Assert.That(reader.TryRead(out data, out isError), Is.True);
                }

                found.Add((Encoding.UTF8.GetString(data), isError));
            }

            await reader.WaitAsync(CancellationToken.None);
        }
        while (reader.Advance(await reader.ReadAsync(CancellationToken.None)));
        return found;
    }

    /// <summary>Gives its bytes in pieces of random sizes, or of the largest.</summary>
    private sealed class Pieces(byte[] bytes, Random? random, int largest = int.MaxValue) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var size = Math.Min(buffer.Length, random?.Next(1, 12) ?? largest);
            return base.ReadAsync(buffer[..size], cancellationToken);
        }
    }
}
