using System.IO.Pipelines;
using System.Text.Json;
using ChatApi.Application.Transfers;
using ChatApi.Web.Json;

namespace ChatApi.Web.Transfers;

/// <summary>Writes the format of docs/export.schema.json.</summary>
internal static class JsonExport
{
    private const int FlushAfter = 32 * 1024;

    public static async Task WriteAsync(
        PipeWriter body, Export export, DateTime now, JsonSerializerOptions options, CancellationToken cancellationToken)
    {
        await using var writer = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = MinimalJsonEncoder.Instance });
        writer.WriteStartObject();
        writer.WriteNumber("version", ExportedSession.Version);
        writer.WriteString("exported_at", now);
        writer.WriteStartArray("sessions");

        // The first byte comes early, also where the first conversation is long.
        var sent = await SendAsync();
        await foreach (var (session, messages) in export.ReadAsync(isBranch: false, cancellationToken))
        {
            WriteStart(writer, session, options);
            await foreach (var message in messages)
            {
                JsonSerializer.Serialize(writer, message, options);
                if (writer.BytesCommitted + writer.BytesPending - sent > FlushAfter)
                    sent = await SendAsync();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        await SendAsync();

        async Task<long> SendAsync()
        {
            writer.Flush();
            if ((await body.FlushAsync(cancellationToken)).IsCompleted)
                cancellationToken.ThrowIfCancellationRequested();
            return writer.BytesCommitted;
        }
    }

    /// <summary>The conversation, up to its messages.</summary>
    private static void WriteStart(Utf8JsonWriter writer, ExportedSession session, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var property in JsonSerializer.SerializeToElement(session, options).EnumerateObject())
            property.WriteTo(writer);
        writer.WriteStartArray("messages");
    }
}
