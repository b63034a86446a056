using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>How the end of a body is told.</summary>
public enum UpstreamFraming
{
    Chunked,
    CloseDelimited,
}

/// <summary>The steps of one answer. Can be played any number of times.</summary>
public sealed class ScriptedUpstreamReply
{
    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<Func<ScriptedUpstreamConnection, CancellationToken, Task>> _steps = [];

    /// <summary>The model that chunks name.</summary>
    public const string Model = "scripted-model";

    internal IReadOnlyList<Func<ScriptedUpstreamConnection, CancellationToken, Task>> Steps => _steps;

    /// <summary>Where the body is cut into separate writes: by a body offset, says whether one ends before it.</summary>
    internal Func<long, bool>? IsSplit { get; private set; }

    /// <summary>Nothing sent yet, not even headers.</summary>
    public static ScriptedUpstreamReply Nothing() => new();

    /// <summary>Status 200 and the headers of an event stream have been sent.</summary>
    public static ScriptedUpstreamReply Stream(UpstreamFraming framing = UpstreamFraming.Chunked) =>
        new ScriptedUpstreamReply().Head(200, "text/event-stream; charset=utf-8", framing);

    /// <summary>A whole good reply: role, pieces, finish, usage, <c>[DONE]</c>.</summary>
    public static ScriptedUpstreamReply Text(params string[] pieces)
    {
        var reply = Stream().Role();
        foreach (var piece in pieces)
            reply.Delta(piece);
        return reply.Finish().Usage(9, pieces.Length).Done();
    }

    /// <summary>A whole good reply at a pace: a wait before each piece.</summary>
    public static ScriptedUpstreamReply Paced(TimeSpan pause, params IEnumerable<string> pieces)
    {
        var reply = Stream().Role();
        var count = 0;
        foreach (var piece in pieces)
        {
            reply.Delay(pause).Delta(piece);
            count++;
        }

        return reply.Finish().Usage(9, count).Done();
    }

    /// <summary>A complete answer that is no stream.</summary>
    public static ScriptedUpstreamReply Status(int status, string body, params (string Name, string Value)[] headers) =>
        new ScriptedUpstreamReply().Head(status, "application/json", UpstreamFraming.Chunked, headers).Raw(body);

    /// <summary>An OpenAI error body.</summary>
    public static string Error(string message, string? code = null, string? type = null, string? param = null) =>
        JsonSerializer.Serialize(new { error = new { message, type, param, code } });

    /// <summary>Sends the status line and headers; the connection is to be closed, unless a header says otherwise.</summary>
    public ScriptedUpstreamReply Head(
        int status, string contentType, UpstreamFraming framing = UpstreamFraming.Chunked, params (string Name, string Value)[] headers)
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Scripted\r\nContent-Type: {contentType}\r\n");
        if (!headers.Any(header => header.Name == "Connection"))
            head.Append("Connection: close\r\n");
        foreach (var (name, value) in headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        if (framing == UpstreamFraming.Chunked)
            head.Append("Transfer-Encoding: chunked\r\n");
        var bytes = Encoding.UTF8.GetBytes(head.Append("\r\n").ToString());
        return Do((connection, cancellation) => connection.SendHeadAsync(bytes, framing, cancellation));
    }

    /// <summary>Sends bytes of the body.</summary>
    public ScriptedUpstreamReply Bytes(ReadOnlyMemory<byte> bytes) => Body(bytes, null);

    /// <summary>Sends text of the body, as it is.</summary>
    public ScriptedUpstreamReply Raw(string text) => Body(Encoding.UTF8.GetBytes(text), null);

    /// <summary>Sends <c>data: …</c> and an empty line.</summary>
    public ScriptedUpstreamReply Event(string data, string? text = null) => Body(Encoding.UTF8.GetBytes($"data: {data}\n\n"), text);

    /// <summary>Sends a comment, which is no content.</summary>
    public ScriptedUpstreamReply Comment(string text = "keep-alive") => Raw($": {text}\n\n");

    /// <summary>The first chunk of OpenAI's: a role and an empty content.</summary>
    public ScriptedUpstreamReply Role() => Event(Chunk("""{"role":"assistant","content":""}"""));

    /// <summary>A piece of text, in UTF-8.</summary>
    public ScriptedUpstreamReply Delta(string text) => Event(Chunk($$"""{"content":{{JsonSerializer.Serialize(text, Unescaped)}}}"""), text);

    /// <summary>A piece of text, each UTF-16 unit as a <c>\u</c> escape: half an emoji is possible.</summary>
    public ScriptedUpstreamReply EscapedDelta(string text) =>
        Event(Chunk($$"""{"content":"{{string.Concat(text.Select(unit => $"\\u{(int)unit:x4}"))}}"}"""), text);

    /// <summary>The chunk that says the reply is complete.</summary>
    public ScriptedUpstreamReply Finish(string reason = "stop") => Event(Chunk("{}", JsonSerializer.Serialize(reason)));

    /// <summary>The chunk with the usage, which has no choices.</summary>
    public ScriptedUpstreamReply Usage(int prompt, int completion) =>
        Event($$"""{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"{{Model}}","choices":[],"usage":{{UsageJson(prompt, completion)}}}""");

    public ScriptedUpstreamReply Done() => Event("[DONE]");

    public ScriptedUpstreamReply Delay(TimeSpan time) => Do((_, cancellation) => Task.Delay(time, cancellation));

    public ScriptedUpstreamReply Delay(int milliseconds) => Delay(TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>Goes on when the test says so.</summary>
    public ScriptedUpstreamReply WaitFor(Task gate) => Do((_, cancellation) => gate.WaitAsync(cancellation));

    /// <summary>Says nothing more until the client goes away.</summary>
    public ScriptedUpstreamReply Silence() => Delay(Timeout.InfiniteTimeSpan);

    /// <summary>Ends the connection with RST.</summary>
    public ScriptedUpstreamReply Reset() => Do((connection, _) => connection.ResetAsync());

    /// <summary>Ends the connection without the last chunk of the framing. (A script that just ends, ends its body properly.)</summary>
    public ScriptedUpstreamReply Cut() => Do((connection, _) => connection.CutAsync());

    /// <summary>Cuts the body into separate writes before these offsets.</summary>
    public ScriptedUpstreamReply SplitAt(params long[] offsets)
    {
        IsSplit = offsets.Contains;
        return this;
    }

    /// <summary>Cuts the body into writes of this many bytes.</summary>
    public ScriptedUpstreamReply SplitEvery(int bytes)
    {
        IsSplit = offset => offset % bytes == 0;
        return this;
    }

    /// <summary>The steps of <paramref name="more"/> again and again.</summary>
    public ScriptedUpstreamReply Repeat(int times, Func<ScriptedUpstreamReply, ScriptedUpstreamReply> more)
    {
        var steps = more(new ScriptedUpstreamReply())._steps;
        return Do(async (connection, cancellation) =>
        {
            for (var i = 0; i < times; i++)
            {
                foreach (var step in steps)
                    await step(connection, cancellation);
            }
        });
    }

    /// <summary>A usage object.</summary>
    public static string UsageJson(int prompt, int completion) =>
        $$"""{"prompt_tokens":{{prompt}},"completion_tokens":{{completion}},"total_tokens":{{prompt + completion}}}""";

    /// <summary>A chunk with one choice.</summary>
    public static string Chunk(string delta, string finishReason = "null") =>
        $$"""{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"{{Model}}","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finishReason}}}]}""";

    private ScriptedUpstreamReply Body(ReadOnlyMemory<byte> bytes, string? text) =>
        Do((connection, cancellation) => connection.SendBodyAsync(bytes, text, cancellation));

    private ScriptedUpstreamReply Do(Func<ScriptedUpstreamConnection, CancellationToken, Task> step)
    {
        _steps.Add(step);
        return this;
    }
}
