using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ChatApi.Bench.Upstream;

/// <summary>
/// What the scripted model says: the first piece is the turn's own number, each further one its place in the reply and a
/// character that differs from turn to turn. So whatever is missing, doubled, out of order or another user's is seen.
/// </summary>
internal sealed class ReplyScript
{
    private const string SeedRoom = "--------";

    // What people write in, and what JSON has to escape, included.
    private static readonly string[] Characters =
    [
        .. "abcdefghijklmnopqrstuvw".Select(letter => letter.ToString()), "é", "ñ", "ü", "ß", "€", "日", "\"", "\n", "😀",
    ];

    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly ConcurrentDictionary<(int Pieces, int Variant), ReplyScript> All = new();

    private readonly int[] _wireEnds;

    private ReplyScript(int pieces, int variant)
    {
        Pieces = pieces;
        var texts = Enumerable.Range(0, pieces)
            .Select(i => i == 0 ? SeedRoom + " " : string.Create(CultureInfo.InvariantCulture, $"{i:000}{Characters[(variant + i) % Characters.Length]} "))
            .ToList();
        Text = Seeded(string.Concat(texts));
        string[] events =
        [
            Chunk("""{"role":"assistant","content":"","refusal":null}"""),
            .. texts.Select(text => Chunk($$"""{"content":{{JsonSerializer.Serialize(text, Unescaped)}}}""")),
            Chunk("{}", "\"stop\"") + Event($$"""{{Head}},"choices":[],"usage":{{Usage(pieces)}}}""") + Event("[DONE]"),
        ];
        Body = Seeded(string.Concat(events));
        FirstPieceEnd = Encoding.UTF8.GetByteCount(events[0]) + Encoding.UTF8.GetByteCount(events[1]);
        LastPieceEnd = Body.Length - Encoding.UTF8.GetByteCount(events[^1]);
        var frames = events.Select(Frame).ToList();
        frames[^1] += "0\r\n\r\n";
        Wire = Seeded(string.Concat(frames));
        var end = 0;
        _wireEnds = [.. frames.Select(frame => end += Encoding.UTF8.GetByteCount(frame))];
    }

    public int Pieces { get; }

    /// <summary>The reply.</summary>
    public SeededBytes Text { get; }

    /// <summary>The reply as an event stream of OpenAI's.</summary>
    public SeededBytes Body { get; }

    /// <summary>Where the first piece ends in <see cref="Body"/>.</summary>
    public int FirstPieceEnd { get; }

    /// <summary>Where the last piece ends in <see cref="Body"/>.</summary>
    public int LastPieceEnd { get; }

    /// <summary>The body in the framing of HTTP, a chunk an event.</summary>
    public SeededBytes Wire { get; }

    /// <summary>The reply to a question.</summary>
    public static ReplyScript For(int pieces, uint seed) =>
        All.GetOrAdd((pieces, (int)(seed % (uint)Characters.Length)), key => new(key.Pieces, key.Variant));

    /// <summary>Where the n-th piece ends in <see cref="Wire"/>; 0 is what comes before the first, and after the last comes the rest.</summary>
    public int WireEnd(int piece) => piece >= Pieces ? Wire.Length : _wireEnds[piece];

    /// <summary>A question that says what is to be answered.</summary>
    public static string Question(int pieces, TimeSpan pace, uint seed) =>
        string.Create(CultureInfo.InvariantCulture, $"What happened then? [{pieces}x{(int)pace.TotalMilliseconds}#{seed:x8}]");

    /// <summary>Reads the last question in a request.</summary>
    public static (int Pieces, int PaceMilliseconds, uint Seed) ReadQuestion(ReadOnlySpan<byte> request)
    {
        var hash = request.LastIndexOf((byte)'#');
        var size = request[(request[..hash].LastIndexOf((byte)'[') + 1)..hash];
        var cross = size.IndexOf((byte)'x');
        return Utf8Parser.TryParse(size[..cross], out int pieces, out _)
            && Utf8Parser.TryParse(size[(cross + 1)..], out int pace, out _)
            && Utf8Parser.TryParse(request[(hash + 1)..], out uint seed, out _, 'x')
            ? (pieces, pace, seed)
            : throw new InvalidOperationException("The question is none of the bench's.");
    }

    private const string Head =
        """{"id":"chatcmpl-CbP3m0dT1qWvK8sYxR2nE5hJ7uLa4","object":"chat.completion.chunk","model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_560af6e559","service_tier":"default","created":1700000000""";

    private static string Chunk(string delta, string finishReason = "null") =>
        Event($$"""{{Head}},"choices":[{"index":0,"delta":{{delta}},"logprobs":null,"finish_reason":{{finishReason}}}],"usage":null}""");

    private static string Usage(int pieces) => $$"""{"prompt_tokens":9,"completion_tokens":{{pieces}},"total_tokens":{{9 + pieces}} }""";

    private static string Event(string data) => $"data: {data}\n\n";

    private static string Frame(string text) => $"{Encoding.UTF8.GetByteCount(text):x}\r\n{text}\r\n";

    private static SeededBytes Seeded(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new(bytes, bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(SeedRoom)));
    }
}
