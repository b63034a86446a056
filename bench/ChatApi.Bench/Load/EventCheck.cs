using System.Buffers;
using System.Text;
using System.Text.Json;
using ChatApi.Bench.Upstream;

namespace ChatApi.Bench.Load;

/// <summary>A reply in ChatApi's events: <c>start</c>, the text in order and without a gap, <c>done</c> with all of it, nothing else.</summary>
internal sealed class EventCheck(ReplyScript script, uint seed) : ReplyCheck(script, seed)
{
    private State _state;
    private int _offset;
    private int _seq;

    private enum State
    {
        Start,
        Content,
        Ended,
    }

    public override bool HasFirstPiece => _offset > 0;

    public override bool HasLastPiece => _offset == Script.Text.Length;

    public override int Feed(ReadOnlySpan<byte> body)
    {
        var done = 0;
        while (body[done..].IndexOf("\n\n"u8) is var length and >= 0)
        {
            Read(body.Slice(done, length));
            done += length + 2;
        }

        return done;
    }

    public override void End()
    {
        if (_state != State.Ended)
            throw new WrongReplyException($"Ended without a terminal event, after {_offset} of {Script.Text.Length} bytes.");
    }

    private void Read(ReadOnlySpan<byte> item)
    {
        if (item.StartsWith(":"u8) && !item.Contains((byte)'\n'))
            return;
        if (!item.StartsWith("data: "u8) || item.Contains((byte)'\n') || _state == State.Ended)
            throw Wrong("No event, or one after the last", item);
        var json = new Utf8JsonReader(item[6..]);
        json.Read();
        var (isStart, isContent, isDone, isText, isStopped, seq) = (false, false, false, false, false, 0);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("type"u8) && json.Read())
                (isStart, isContent, isDone) = (json.ValueTextEquals("start"u8), json.ValueTextEquals("content"u8), json.ValueTextEquals("done"u8));
            else if (json.ValueTextEquals("content"u8) && json.Read())
                isText = TakeText(ref json, _offset, out _offset);
            else if (json.ValueTextEquals("full_content"u8) && json.Read())
                isText = TakeText(ref json, 0, out var end) && end == Script.Text.Length;
            else if (json.ValueTextEquals("finish_reason"u8) && json.Read())
                isStopped = json.ValueTextEquals("stop"u8);
            else if (json.ValueTextEquals("seq"u8) && json.Read())
                seq = json.GetInt32();
            else
                json.Skip();
        }

        var isRight = _state == State.Start ? isStart : seq > _seq && isText && (isContent || (isDone && isStopped && HasLastPiece));
        if (!isRight)
            throw Wrong($"Unexpected after {_offset} bytes", item);
        (_state, _seq) = (isDone ? State.Ended : State.Content, seq);
    }

    /// <summary>Whether a JSON string is the text from <paramref name="offset"/> on.</summary>
    private bool TakeText(ref Utf8JsonReader json, int offset, out int end)
    {
        if (!json.ValueIsEscaped)
        {
            end = offset + json.ValueSpan.Length;
            return Script.Text.Matches(json.ValueSpan, offset, Seed);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(json.ValueSpan.Length);
        var length = json.CopyString(buffer);
        end = offset + length;
        var matches = Script.Text.Matches(buffer.AsSpan(0, length), offset, Seed);
        ArrayPool<byte>.Shared.Return(buffer);
        return matches;
    }

    private static WrongReplyException Wrong(string what, ReadOnlySpan<byte> item) =>
        new($"{what}: {Encoding.UTF8.GetString(item[..Math.Min(300, item.Length)])}");
}
