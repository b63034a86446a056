using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
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
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    /// <summary>A viewer that takes nothing for so long is cut off; it can come back with its cursor.</summary>
    private static readonly TimeSpan LongestFlush = TimeSpan.FromSeconds(20);

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
            var pulse = new Pulse(time);
            var isFirst = true;
            while (await MoveNextAsync(events, output, pulse))
            {
                output.Write("data: "u8);
                RunEventJson.Write(json, events.Current);
                await json.FlushAsync(context.RequestAborted);
                json.Reset();
                if (resumable)
                    WriteId(output, view.RunId, RunEventJson.Seq(events.Current), isFirst);
                output.Write("\n\n"u8);
                await FlushAsync(output);
                pulse.Beat();
                isFirst = false;
            }
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
        output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\nid: {runId}:{seq}")));
        if (isFirst)
            output.Write("\nretry: 2000"u8);
    }

    private async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<RunEvent> events, PipeWriter output, Pulse pulse)
    {
        var next = events.MoveNextAsync();
        if (next.IsCompleted)
            return await next;

        var pending = next.AsTask();
        while (await Task.WhenAny(pending, pulse.Due) != pending)
        {
            if (pulse.IsSilent)
            {
                output.Write(": ping\n\n"u8);
                await FlushAsync(output);
                pulse.Beat();
            }

            pulse.Rearm();
        }

        return await pending;
    }

    private async Task FlushAsync(PipeWriter output)
    {
        var flush = output.FlushAsync();
        if (!flush.IsCompletedSuccessfully)
            await flush.AsTask().WaitAsync(LongestFlush, time);
    }

    /// <summary>Tells when nothing was written for long. A write only notes the time: the one timer looks when it is due, and waits for what is left.</summary>
    private sealed class Pulse
    {
        private readonly TimeProvider _time;
        private long _last;

        public Pulse(TimeProvider time)
        {
            _time = time;
            _last = time.GetTimestamp();
            Due = Task.Delay(Silence, time);
        }

        /// <summary>Ends when it is time to look.</summary>
        public Task Due { get; private set; }

        public bool IsSilent => _time.GetElapsedTime(_last) >= Silence;

        public void Beat() => _last = _time.GetTimestamp();

        public void Rearm() => Due = Task.Delay(Silence - _time.GetElapsedTime(_last) + TimeSpan.FromMilliseconds(1), _time);
    }
}
