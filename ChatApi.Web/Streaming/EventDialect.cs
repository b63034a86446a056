using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using ChatApi.Application.Runs;
using ChatApi.Web.Json;

namespace ChatApi.Web.Streaming;

/// <summary>
/// What the events of one stream look like. In every dialect an event is one <c>data:</c> line of JSON, which comes first, then its
/// <c>id:</c> if it has one, and an empty line.
/// </summary>
internal abstract class EventDialect(PipeWriter output, Guid runId) : IAsyncDisposable
{
    private const int LongestValue = 40;

    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = MinimalJsonEncoder.Instance };

    /// <summary>One for all events: it is told to begin again after each.</summary>
    protected Utf8JsonWriter Json { get; } = new(output, JsonOptions);

    protected PipeWriter Output => output;

    /// <summary>Writes what is told of an event, which may take several frames, or none.</summary>
    public abstract void Write(RunEvent item);

    public ValueTask DisposeAsync() => Json.DisposeAsync();

    protected void BeginData() => output.Write("data: "u8);

    /// <summary>Ends the line of JSON; the event goes on.</summary>
    protected void EndData()
    {
        Json.Flush();
        Json.Reset();
    }

    /// <summary>A cursor for who comes back: what it has up to here.</summary>
    protected void WriteId(int seq)
    {
        output.Write("\nid: "u8);
        Write(runId);
        output.Write(":"u8);
        Write(seq);
    }

    protected void EndEvent() => output.Write("\n\n"u8);

    private void Write<T>(T value) where T : IUtf8SpanFormattable
    {
        if (!value.TryFormat(output.GetSpan(LongestValue), out var written, default, CultureInfo.InvariantCulture))
            throw new InvalidOperationException("It has more room than any number or UUID takes.");
        output.Advance(written);
    }
}
