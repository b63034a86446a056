using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ChatApi.Bench.Yardsticks;

/// <summary>One turn: JSON strings go from the model to the viewer as they stand between their quotes.</summary>
internal sealed class FloorTurn(HttpContext context, FloorDatabase database, HttpClient http, Uri upstream)
{
    private static readonly JsonWriterOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly byte[] Start = Encoding.UTF8.GetBytes(
        $$"""data: {"type":"start","session_id":"{{Guid.Empty}}","run_id":"{{Guid.Empty}}","message_id":"{{Guid.Empty}}","user_message_id":"{{Guid.Empty}}"}""" + "\n\n");

    private readonly ArrayBufferWriter<byte> _reply = new(2048);
    private readonly PipeWriter _output = context.Response.BodyWriter;
    private int _seq;
    private bool _isInEvent;

    public async Task RunAsync(Guid userId)
    {
        var sessionId = Guid.Parse((string)context.GetRouteValue("id")!);
        var question = await ReadQuestionAsync();
        var history = await database.AskAsync(sessionId, userId, question);
        context.Response.ContentType = "text/event-stream";
        _output.Write(Start);
        await _output.FlushAsync();

        using var request = new HttpRequestMessage(HttpMethod.Post, upstream) { Content = Content(history, question) };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        await RelayAsync(body);
        await database.AnswerAsync(sessionId, JsonSerializer.Deserialize<string>([(byte)'"', .. _reply.WrittenSpan, (byte)'"'])!);
        WriteDone();
        await _output.FlushAsync();
    }

    private async Task<string> ReadQuestionAsync()
    {
        using var json = await JsonDocument.ParseAsync(context.Request.Body);
        return json.RootElement.GetProperty("content").GetString()!;
    }

    private static ReadOnlyMemoryContent Content(List<FloorMessage> history, string question)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, Unescaped))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, "gpt-4o-mini"u8);
            json.WriteBoolean("stream"u8, true);
            json.WriteStartArray("messages"u8);
            for (var i = history.Count - 1; i >= 0; i--)
                WriteMessage(json, history[i].IsUser, history[i].Content);
            WriteMessage(json, true, question);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return new(buffer.WrittenMemory) { Headers = { ContentType = new("application/json") } };
    }

    private static void WriteMessage(Utf8JsonWriter json, bool isUser, string content)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, isUser ? "user"u8 : "assistant"u8);
        json.WriteString("content"u8, content);
        json.WriteEndObject();
    }

    /// <summary>What has arrived together goes out together, as one event.</summary>
    private async Task RelayAsync(Stream body)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(4096);
        var length = 0;
        while (true)
        {
            if (length == 0)
                _ = await body.ReadAsync(Memory<byte>.Empty);
            var read = await body.ReadAsync(buffer.AsMemory(length));
            if (read == 0)
                break;
            length += read;
            var done = Take(buffer.AsSpan(0, length));
            buffer.AsSpan(done, length - done).CopyTo(buffer);
            length -= done;
            if (_isInEvent)
                await EndEventAsync();
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private int Take(ReadOnlySpan<byte> events)
    {
        var done = 0;
        while (events[done..].IndexOf("\n\n"u8) is var length and >= 0)
        {
            TakeChunk(events.Slice(done + 6, length - 6));
            done += length + 2;
        }

        return done;
    }

    private void TakeChunk(ReadOnlySpan<byte> data)
    {
        if (data[0] != '{')
            return;
        var json = new Utf8JsonReader(data);
        while (json.Read())
        {
            if (json.TokenType != JsonTokenType.PropertyName || !json.ValueTextEquals("content"u8))
                continue;
            json.Read();
            if (json.TokenType != JsonTokenType.String || json.ValueSpan.IsEmpty)
                return;
            if (!_isInEvent)
                _output.Write("data: {\"type\":\"content\",\"content\":\""u8);
            _isInEvent = true;
            _output.Write(json.ValueSpan);
            _reply.Write(json.ValueSpan);
            _seq++;
            return;
        }
    }

    private ValueTask<FlushResult> EndEventAsync()
    {
        _isInEvent = false;
        _output.Write("\",\"seq\":"u8);
        WriteSeq();
        _output.Write("}\n\n"u8);
        return _output.FlushAsync();
    }

    private void WriteDone()
    {
        _output.Write("data: {\"type\":\"done\",\"full_content\":\""u8);
        _output.Write(_reply.WrittenSpan);
        _output.Write("\",\"finish_reason\":\"stop\",\"seq\":"u8);
        _seq++;
        WriteSeq();
        _output.Write("}\n\n"u8);
    }

    private void WriteSeq()
    {
        Utf8Formatter.TryFormat(_seq, _output.GetSpan(11), out var written);
        _output.Advance(written);
    }
}
