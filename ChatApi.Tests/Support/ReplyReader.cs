using System.Net;
using System.Text;
using System.Text.Json;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>Which of the two ways of writing events is expected.</summary>
public enum EventDialect
{
    /// <summary>Nothing but <c>data:</c> lines.</summary>
    Post,

    /// <summary>An <c>id:</c> line after each <c>data:</c> line, and <c>retry: 2000</c> once.</summary>
    EventSource,
}

/// <summary>An event, when it came, and its <c>id:</c> line.</summary>
public sealed record ReceivedEvent(JsonElement Json, DateTimeOffset At, string? Id)
{
    public string Type => Json.GetProperty("type").GetString()!;

    public bool IsTerminal => Type is "done" or "error";

    public string? this[string property] => Json.TryGetProperty(property, out var value) ? value.GetString() : null;

    public long Seq => Json.GetProperty("seq").GetInt64();
}

/// <summary>Reads a stream of events and fails at the first byte that the contract does not allow.</summary>
public sealed class ReplyReader : IAsyncDisposable
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>No test's reply takes so long: a stream that sends heartbeats for ever fails, and is not waited for.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);

    private readonly DateTimeOffset _until = DateTimeOffset.UtcNow + Longest;
    private readonly Stream? _body;
    private readonly EventDialect _dialect;
    private readonly List<ReceivedEvent> _events = [];
    private readonly List<byte> _pending = [];
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _retries;

    private ReplyReader(HttpResponseMessage response, Stream? body, EventDialect dialect)
    {
        Response = response;
        _body = body;
        _dialect = dialect;
    }

    public HttpResponseMessage Response { get; }

    /// <summary>The events so far.</summary>
    public IReadOnlyList<ReceivedEvent> Events => _events;

    /// <summary>How many <c>: ping</c> lines came.</summary>
    public int Pings { get; private set; }

    /// <summary>All that the <c>content</c> events said so far.</summary>
    public string Content => string.Concat(_events.Where(received => received.Type == "content").Select(received => received["content"]));

    public ReceivedEvent Start => _events.First(received => received.Type == "start");

    public string RunId => Start["run_id"]!;

    public ReceivedEvent Last => _events[^1];

    public static async Task<ReplyReader> OpenAsync(HttpClient client, HttpRequestMessage request, EventDialect dialect)
    {
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var isStream = response.StatusCode == HttpStatusCode.OK;
        return new ReplyReader(response, isStream ? await response.Content.ReadAsStreamAsync() : null, dialect);
    }

    /// <summary>The answer, where there is no stream but a refusal.</summary>
    public Task<ApiAnswer> RefusalAsync() => ApiAnswer.ReadAsync(Response);

    /// <summary>The next event; null at the end of the stream.</summary>
    public async Task<ReceivedEvent?> NextAsync()
    {
        var count = _events.Count;
        return await ReadUntilAsync(() => _events.Count > count) ? _events[count] : null;
    }

    /// <summary>Reads until the server says that it is still there.</summary>
    public async Task UntilPingAsync()
    {
        var count = Pings;
        Assert.That(await ReadUntilAsync(() => Pings > count), Is.True, "The stream ended without a ping.");
    }

    /// <summary>Reads until an event fits; fails if none does.</summary>
    public async Task<ReceivedEvent> UntilAsync(Func<ReceivedEvent, bool> fits)
    {
        while (await NextAsync() is { } received)
        {
            if (fits(received))
                return received;
        }

        throw new AssertionException($"The stream ended without it: {string.Join('\n', _events.Select(received => received.Json))}");
    }

    /// <summary>Reads all, and asserts that one terminal event stands at the end and that the connection closes after it.</summary>
    public async Task<ReceivedEvent> ReadToEndAsync()
    {
        while (await NextAsync() is not null)
        {
        }

        Assert.That(_events.Count(received => received.IsTerminal), Is.EqualTo(1), "terminal events");
        Assert.That(Last.IsTerminal, Is.True, "The terminal event is the last one.");
        Assert.That(_events.Where(received => received.Type != "start").Select(received => received.Seq), Is.Ordered.Ascending.And.Unique);
        Assert.That(_retries, Is.EqualTo(_dialect == EventDialect.EventSource ? 1 : 0), "retry: lines");
        return Last;
    }

    /// <summary>Goes away, as a closed tab does.</summary>
    public ValueTask DisposeAsync()
    {
        Response.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes one block after the other until it is true; false at the end of the stream.</summary>
    private async Task<bool> ReadUntilAsync(Func<bool> isEnough)
    {
        Assert.That(_body, Is.Not.Null, $"No stream, but {Response.StatusCode}");
        while (!isEnough())
        {
            if (TryTakeBlock(out var block))
            {
                Accept(block);
                continue;
            }

            if (DateTimeOffset.UtcNow > _until)
                throw new TimeoutException($"No end of the stream within {Longest.TotalMinutes} min; its last event: {_events.LastOrDefault()?.Json}");
            using var patience = new CancellationTokenSource(Poll.Patience);
            var read = await _body!.ReadAsync(_buffer, patience.Token);
            if (read == 0)
            {
                Assert.That(_pending, Is.Empty, "The stream ended in the middle of an event.");
                return false;
            }

            _pending.AddRange(_buffer.AsSpan(0, read));
        }

        return true;
    }

    private bool TryTakeBlock(out string block)
    {
        block = "";
        var end = _pending.IndexOf((byte)'\n');
        while (end >= 0 && (end + 1 >= _pending.Count || _pending[end + 1] != '\n'))
            end = end + 1 >= _pending.Count ? -1 : _pending.IndexOf((byte)'\n', end + 1);
        if (end < 0)
            return false;
        block = StrictUtf8.GetString([.. _pending.Take(end)]);
        _pending.RemoveRange(0, end + 2);
        return true;
    }

    private void Accept(string block)
    {
        Assert.That(block, Does.Not.Contain('\r'), "Lines end with \\n alone.");
        Assert.That(_events.Any(received => received.IsTerminal), Is.False, $"Something after the terminal event: {block}");
        if (block == ": ping")
        {
            Pings++;
            return;
        }

        var lines = block.Split('\n').ToList();
        if (_dialect == EventDialect.EventSource && lines.Remove("retry: 2000"))
        {
            _retries++;
            if (lines.Count == 0)
                return;
        }

        Assert.That(lines[0], Does.StartWith("data: {").And.EndsWith("}"), "The first line of an event is its data.");
        string? id = null;
        if (_dialect == EventDialect.EventSource)
        {
            Assert.That(lines, Has.Count.EqualTo(2).And.ItemAt(1).StartsWith("id: "), block);
            id = lines[1]["id: ".Length..];
        }
        else
        {
            Assert.That(lines, Has.Count.EqualTo(1), block);
        }

        var received = new ReceivedEvent(JsonDocument.Parse(lines[0]["data: ".Length..]).RootElement, DateTimeOffset.UtcNow, id);
        Assert.That(received.Type, Is.AnyOf("start", "content", "done", "error"));
        _events.Add(received);
    }
}
