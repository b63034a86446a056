using System.Text.Json;
using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Reads the chunks of one streamed reply, tolerantly: what is null, empty, absent, unknown or of another type than in
/// OpenAI's description is passed over. What is an error is one, though, and what is no JSON too: text may have been in it.
/// </summary>
internal sealed class CompletionChunkReader
{
    private static readonly JsonReaderOptions Tolerant = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private readonly PieceDecoder _text = new();
    private readonly PieceDecoder _reasoning = new();
    private readonly ChunkPattern _pattern = new();
    private UsageDetails? _usage;
    private string? _id;
    private string? _model;

    /// <summary>Of the chunk read last: how many texts it has, which of them is the last, and where that and the padding are.</summary>
    private int _texts;
    private bool _isText;
    private (int Start, int End) _textAt;
    private (int Start, int End) _paddingAt;

    /// <summary>Something came that only a completion has.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>The model has said that the reply is complete; usage may follow.</summary>
    public bool IsFinished { get; private set; }

    /// <summary><c>[DONE]</c>: nothing will follow.</summary>
    public bool IsDone { get; private set; }

    /// <summary>The update in an event; null where it holds nothing for the caller.</summary>
    /// <param name="data">The event's data.</param>
    /// <param name="isError">Whether the event says that it is an error.</param>
    /// <exception cref="Application.Errors.CompletionException">The upstream reports an error.</exception>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public ChatResponseUpdate? Read(ReadOnlySpan<byte> data, bool isError)
    {
        if (TryReadAlike(data, isError, out var content))
            return content is null ? null : New(content);
        _pattern.Forget();
        data = data.Trim(" \t\r\n"u8);
        if (data.IsEmpty)
            return null;
        if (data.SequenceEqual("[DONE]"u8))
        {
            IsDone = true;
            return null;
        }

        if (isError)
            throw Failure(data);
        var json = new Utf8JsonReader(data, Tolerant);
        return json.Read() && json.TokenType == JsonTokenType.StartObject ? ReadChunk(ref json, data) : null;
    }

    /// <summary>
    /// Reads an event that is the one before once more but for its text. Nothing else would come of it than of that one, were it read as any other.
    /// </summary>
    /// <param name="data">The event's data.</param>
    /// <param name="isError">Whether the event says that it is an error.</param>
    /// <param name="content">Its text; null where it has none, or half a character.</param>
    /// <returns>False: it is another one, and nothing of it has been read.</returns>
    public bool TryReadAlike(ReadOnlySpan<byte> data, bool isError, out AIContent? content)
    {
        content = null;
        if (isError || !_pattern.Matches(data, out var text, out var isEscaped))
            return false;
        content = Content((_isText ? _text : _reasoning).Decode(text, isEscaped), _isText);
        return true;
    }

    /// <summary>What could be told only after the last event: half an emoji without its other half, and the usage.</summary>
    public ChatResponseUpdate? End()
    {
        var update = Add(null, _text.Flush(), isText: true);
        if (_usage is null)
            return update;
        return Add(update, new UsageContent(_usage));
    }

    private static Application.Errors.CompletionException Failure(ReadOnlySpan<byte> data)
    {
        var error = UpstreamErrorBody.Parse(data);
        return error.IsContentFiltered ? CompletionFailures.ContentFiltered()
            : error.IsContextTooLong ? CompletionFailures.ContextTooLong()
            : CompletionFailures.Failed(retryable: true);
    }

    private ChatResponseUpdate? ReadChunk(ref Utf8JsonReader json, ReadOnlySpan<byte> data)
    {
        ChatResponseUpdate? update = null;
        (_texts, _paddingAt) = (0, default);
        while (NextProperty(ref json))
        {
            if (json.ValueTextEquals("choices"u8))
                update = ReadChoices(ref json, data, update);
            else if (json.ValueTextEquals("usage"u8))
                ReadUsage(ref json);
            else if (json.ValueTextEquals("id"u8))
                _id = ReadName(ref json, _id);
            else if (json.ValueTextEquals("model"u8))
                _model = ReadName(ref json, _model);
            else if (json.ValueTextEquals("error"u8))
                ReadError(ref json, data);
            else if (json.ValueTextEquals("obfuscation"u8))
                ReadPadding(ref json);
            else
                Pass(ref json);
        }

        if (_texts == 1 && update is { FinishReason: null })
            _pattern.Learn(data, _textAt, _paddingAt);

        // Servers differ in the order of fields: the names may have come after the text.
        if (update is not null)
            (update.ResponseId, update.ModelId) = (_id, _model);
        return update;
    }

    private ChatResponseUpdate? ReadChoices(ref Utf8JsonReader json, ReadOnlySpan<byte> data, ChatResponseUpdate? update)
    {
        HasBegun = true;
        json.Read();
        if (json.TokenType != JsonTokenType.StartArray)
        {
            json.Skip();
            return update;
        }

        // One reply was asked for, so the first choice is the only one.
        for (var first = true; json.Read() && json.TokenType != JsonTokenType.EndArray; first = false)
        {
            if (first && json.TokenType == JsonTokenType.StartObject)
                update = ReadChoice(ref json, data, update);
            else
                json.Skip();
        }

        return update;
    }

    private ChatResponseUpdate? ReadChoice(ref Utf8JsonReader json, ReadOnlySpan<byte> data, ChatResponseUpdate? update)
    {
        string? finishReason = null;
        while (NextProperty(ref json))
        {
            if (json.ValueTextEquals("delta"u8))
                update = ReadDelta(ref json, update);
            else if (json.ValueTextEquals("finish_reason"u8))
                finishReason = ReadName(ref json, null);
            else if (json.ValueTextEquals("error"u8))
                ReadError(ref json, data);
            else
                Pass(ref json);
        }

        if (string.IsNullOrEmpty(finishReason))
            return update;
        if (finishReason == "error")
            throw Failure(data);
        IsFinished = true;
        update = Add(update, _text.Flush(), isText: true) ?? New();
        update.FinishReason = finishReason == "stop" ? ChatFinishReason.Stop : new ChatFinishReason(finishReason);
        return update;
    }

    private ChatResponseUpdate? ReadDelta(ref Utf8JsonReader json, ChatResponseUpdate? update)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return update;
        }

        while (NextProperty(ref json))
        {
            // A refusal is what the model says to the user, in a field of its own.
            var isText = json.ValueTextEquals("content"u8) || json.ValueTextEquals("refusal"u8);
            var isReasoning = !isText && (json.ValueTextEquals("reasoning_content"u8) || json.ValueTextEquals("reasoning"u8));
            json.Read();
            if (json.TokenType == JsonTokenType.String && (isText || isReasoning))
                update = ReadText(ref json, update, isText);
            else
                json.Skip();
        }

        return update;
    }

    private ChatResponseUpdate? ReadText(ref Utf8JsonReader json, ChatResponseUpdate? update, bool isText)
    {
        if (json.ValueSpan.IsEmpty)
            return update;
        _texts++;
        (_isText, _textAt) = (isText, Inside(ref json));
        return Add(update, (isText ? _text : _reasoning).Decode(json.ValueSpan, json.ValueIsEscaped), isText);
    }

    private void ReadPadding(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.String && _texts > 0)
            _paddingAt = Inside(ref json);
        json.Skip();
    }

    /// <summary>Where a string is, without its quotes.</summary>
    private static (int Start, int End) Inside(ref Utf8JsonReader json)
    {
        var start = (int)json.TokenStartIndex + 1;
        return (start, start + json.ValueSpan.Length);
    }

    private ChatResponseUpdate? Add(ChatResponseUpdate? update, string text, bool isText) =>
        Content(text, isText) is { } content ? Add(update, content) : update;

    private static AIContent? Content(string text, bool isText) =>
        text.Length == 0 ? null : isText ? new TextContent(text) : new TextReasoningContent(text);

    /// <summary>Nearly every update has one content: an array of one is all that it needs.</summary>
    private ChatResponseUpdate Add(ChatResponseUpdate? update, AIContent content)
    {
        if (update is null)
            return New(content);
        update.Contents = [.. update.Contents, content];
        return update;
    }

    private ChatResponseUpdate New(params AIContent[] contents) =>
        new() { Role = ChatRole.Assistant, ResponseId = _id, ModelId = _model, Contents = contents };

    private void ReadUsage(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        HasBegun = true;
        // Servers that count along send the usage with every chunk: the last one holds.
        _usage = CompletionUsage.Read(ref json) ?? _usage;
    }

    private static void ReadError(ref Utf8JsonReader json, ReadOnlySpan<byte> data)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.Null)
            throw Failure(data);
    }

    /// <summary>A string that is mostly the one of the chunk before; null if it is none.</summary>
    private static string? ReadName(ref Utf8JsonReader json, string? before)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.String)
            return before is not null && !json.ValueIsEscaped && json.ValueTextEquals(before) ? before : PlainName(ref json); // Half a character is equal to nothing, and throws.
        json.Skip();
        return before;
    }

    private static string PlainName(ref Utf8JsonReader json)
    {
        var decoder = new PieceDecoder();
        return decoder.Decode(json.ValueSpan, json.ValueIsEscaped) + decoder.Flush();
    }

    private static bool NextProperty(ref Utf8JsonReader json) => json.Read() && json.TokenType == JsonTokenType.PropertyName;

    private static void Pass(ref Utf8JsonReader json)
    {
        json.Read();
        json.Skip();
    }
}
