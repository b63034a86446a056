using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ChatApi.Application.Runs;
using ChatApi.Web.Json;

namespace ChatApi.Web.Streaming;

/// <summary>
/// Writes a run as Server-Sent Events; nobody else knows the framing. The old front ends split on <c>\n\n</c> and read the
/// first line, which must begin <c>data: </c>, as JSON: so one <c>data:</c> line an event, and it comes first.
/// </summary>
public sealed class SseWriter(TimeProvider time)
{
    /// <summary>A viewer that takes nothing for so long is cut off; it can come back with its cursor.</summary>
    private static readonly TimeSpan LongestFlush = TimeSpan.FromSeconds(20);

    /// <summary>Bytes. What is ready is sent together, but not more than this at once.</summary>
    private const int MostUnsent = 32 * 1024;

    private const int LongestValue = 40;

    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = MinimalJsonEncoder.Instance };

    /// <param name="context">The request; its end ends the writing, and nothing else.</param>
    /// <param name="view">What is to be seen.</param>
    /// <param name="resumable">Whether it is the dialect of <c>EventSource</c>, with ids after the data and a time to reconnect.</param>
    public async Task WriteAsync(HttpContext context, RunView view, bool resumable)
    {
        SetHeaders(context.Response);
        var output = context.Response.BodyWriter;
        await using var json = new Utf8JsonWriter(output, JsonOptions);
        await using var events = view.Events.GetAsyncEnumerator(context.RequestAborted);
        try
        {
            for (var isFirst = true; await MoveNextAsync(context, events, output); isFirst = false)
            {
                if (events.Current is RunEvent.Heartbeat)
                {
                    output.Write(": ping\n\n"u8);
                    continue;
                }

                output.Write("data: "u8);
                RunEventJson.Write(json, events.Current);
                json.Flush();
                json.Reset();
                if (resumable)
                    WriteId(output, view.RunId, RunEventJson.Seq(events.Current), isFirst);
                output.Write("\n\n"u8);
            }

            await FlushAsync(output);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The viewer has left; the run goes on without it.
        }
        catch (TimeoutException)
        {
            context.Abort();
        }
    }

    private static void SetHeaders(HttpResponse response)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
    }

    private static void WriteId(PipeWriter output, Guid runId, int seq, bool isFirst)
    {
        output.Write("\nid: "u8);
        Write(output, runId);
        output.Write(":"u8);
        Write(output, seq);
        if (isFirst)
            output.Write("\nretry: 2000"u8);
    }

    private static void Write<T>(PipeWriter output, T value) where T : IUtf8SpanFormattable
    {
        if (!value.TryFormat(output.GetSpan(LongestValue), out var written, default, CultureInfo.InvariantCulture))
            throw new InvalidOperationException("It has more room than any number or UUID takes.");
        output.Advance(written);
    }

    /// <summary>What is ready goes out in one write, and before anything is waited for.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> MoveNextAsync(HttpContext context, IAsyncEnumerator<RunEvent> events, PipeWriter output)
    {
        var next = events.MoveNextAsync();
        if (next.IsCompleted && output.UnflushedBytes < MostUnsent)
            return await next;
        try
        {
            await FlushAsync(output);
        }
        catch (TimeoutException)
        {
            // Which ends the wait for the next event, too.
            context.Abort();
        }

        return await next;
    }

    private ValueTask FlushAsync(PipeWriter output)
    {
        var flush = output.FlushAsync();
        if (!flush.IsCompletedSuccessfully)
            return new(flush.AsTask().WaitAsync(LongestFlush, time));
        _ = flush.Result;
        return default;
    }
}
