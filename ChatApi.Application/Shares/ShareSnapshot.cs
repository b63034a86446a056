using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ChatApi.Application.Errors;
using ChatApi.Application.Transfers;

namespace ChatApi.Application.Shares;

/// <summary>How shared messages are kept: as JSON, in one column.</summary>
internal static class ShareSnapshot
{
    private const int MaxBytes = 4 * 1024 * 1024;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <exception cref="InvalidRequestException">It is too long.</exception>
    public static async Task<string> WriteAsync(IAsyncEnumerable<ExportedMessage> messages)
    {
        var text = new ArrayBufferWriter<byte>();
        await using var writer = new Utf8JsonWriter(text, new JsonWriterOptions { Encoder = Options.Encoder });
        writer.WriteStartArray();
        await foreach (var message in messages)
        {
            if (message.Content.Length == 0)
                continue;
            JsonSerializer.Serialize(writer, new SharedMessage(message.Role, message.Content, message.CreatedAt), Options);
            if (writer.BytesCommitted + writer.BytesPending > MaxBytes)
                throw new InvalidRequestException(
                    ErrorCodes.InvalidRequest, $"The conversation is too long to be shared: its branch may have {MaxBytes / 1024 / 1024} MB at most.");
        }

        writer.WriteEndArray();
        await writer.FlushAsync();
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    public static IReadOnlyList<SharedMessage> Read(string snapshot) => JsonSerializer.Deserialize<List<SharedMessage>>(snapshot, Options)!;
}
