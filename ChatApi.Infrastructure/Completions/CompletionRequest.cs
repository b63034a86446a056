using System.Text.Json;
using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>Writes the body of <c>POST …/chat/completions</c>.</summary>
internal static class CompletionRequest
{
    public static BinaryData Write(string model, IEnumerable<ChatMessage> messages, ChatOptions? options, RequestDialect dialect) =>
        BinaryData.FromBytes(ScratchJson.Write((model, messages, options, dialect), static (json, request) =>
        {
            var (model, messages, options, dialect) = request;
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteBoolean("stream", true);
            if (dialect.StreamOptions)
                WriteStreamOptions(json);
            WriteOptions(json, options, dialect);
            json.WriteStartArray("messages");
            if (!string.IsNullOrEmpty(options?.Instructions))
                WriteMessage(json, "system", options.Instructions);
            foreach (var message in messages)
                WriteMessage(json, message.Role.Value, message.Text);
            json.WriteEndArray();
            json.WriteEndObject();
        }));

    private static void WriteStreamOptions(Utf8JsonWriter json)
    {
        json.WriteStartObject("stream_options");
        json.WriteBoolean("include_usage", true);
        json.WriteEndObject();
    }

    private static void WriteOptions(Utf8JsonWriter json, ChatOptions? options, RequestDialect dialect)
    {
        // As decimal: 0.7f as a double is 0.699999988079071.
        if (options?.Temperature is { } temperature && dialect.Temperature)
            json.WriteNumber("temperature", (decimal)temperature);
        if (options?.TopP is { } topP && dialect.TopP)
            json.WriteNumber("top_p", (decimal)topP);
        if (options?.MaxOutputTokens is { } limit && dialect.Limit is { } name)
            json.WriteNumber(name, limit);
        if (options?.StopSequences is not { Count: > 0 } stops || !dialect.Stop)
            return;
        json.WriteStartArray("stop");
        foreach (var stop in stops)
            json.WriteStringValue(stop);
        json.WriteEndArray();
    }

    private static void WriteMessage(Utf8JsonWriter json, string role, string content)
    {
        json.WriteStartObject();
        json.WriteString("role", role);
        json.WriteString("content", content);
        json.WriteEndObject();
    }
}
