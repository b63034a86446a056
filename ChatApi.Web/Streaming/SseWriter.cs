using System.Buffers;
using System.IO.Pipelines;
using ChatApi.Application.Runs;

namespace ChatApi.Web.Streaming;

/// <summary>
/// Writes a run as Server-Sent Events, in the words of a dialect: when what is written goes out, and for how long it is waited for
/// that somebody takes it.
/// </summary>
public sealed class SseWriter(TimeProvider time)
{
    /// <summary>A viewer that takes nothing for so long is cut off; it can come back with its cursor.</summary>
    private static readonly TimeSpan LongestFlush = TimeSpan.FromSeconds(20);

    /// <summary>Bytes. What is ready is sent together, but not more than this at once.</summary>
    private const int MostUnsent = 32 * 1024;

    /// <param name="context">The request; its end ends the writing, and nothing else.</param>
    /// <param name="view">What is to be seen.</param>
    /// <param name="resumable">Whether it is the dialect of <c>EventSource</c>, with ids after the data and a time to reconnect.</param>
    public Task WriteAsync(HttpContext context, RunView view, bool resumable) =>
        WriteAsync(context, view, output => new FrontEndEvents(output, view.RunId, resumable), mayEndOpen: resumable);

    /// <summary>Writes for the Vercel AI SDK.</summary>
    /// <inheritdoc cref="WriteAsync(HttpContext, RunView, bool)" path="/param"/>
    public Task WriteUIMessageAsync(HttpContext context, RunView view)
    {
        context.Response.Headers[UIMessageEvents.Header] = UIMessageEvents.Version;
        return WriteAsync(context, view, output => new UIMessageEvents(output, view.RunId), mayEndOpen: false);
    }

    private async Task WriteAsync(HttpContext context, RunView view, Func<PipeWriter, EventDialect> dialect, bool mayEndOpen)
    {
        SetHeaders(context.Response);
        var output = context.Response.BodyWriter;
        await using var frames = dialect(output);
        await using var events = view.Events.GetAsyncEnumerator(context.RequestAborted);

        // Viewers with EventSource come back by themselves where a stream ends without the end of its run.
        var isTold = mayEndOpen;
        try
        {
            while (await MoveNextAsync(context, events, output))
            {
                if (events.Current is RunEvent.Heartbeat)
                    output.Write(": ping\n\n"u8);
                else
                    frames.Write(events.Current);
                isTold |= events.Current is RunEvent.Done or RunEvent.Failed;
            }

            await AwaitAsync(output.FlushAsync());

            // This process stops, and the run goes on in another: a clean end would pass for the reply's.
            if (!isTold)
                context.Abort();
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

    /// <summary>What is ready goes out in one write, and before anything is waited for.</summary>
    private ValueTask<bool> MoveNextAsync(HttpContext context, IAsyncEnumerator<RunEvent> events, PipeWriter output)
    {
        var next = events.MoveNextAsync();
        if (next.IsCompleted && output.UnflushedBytes < MostUnsent)
            return next;
        var flush = output.FlushAsync();
        if (!flush.IsCompletedSuccessfully)
            return AwaitAsync(context, flush, next);
        _ = flush.Result;
        return next;
    }

    private async ValueTask<bool> AwaitAsync(HttpContext context, ValueTask<FlushResult> flush, ValueTask<bool> next)
    {
        try
        {
            await AwaitAsync(flush);
        }
        catch (TimeoutException)
        {
            // Which ends the wait for the next event, too.
            context.Abort();
        }

        return await next;
    }

    private Task<FlushResult> AwaitAsync(ValueTask<FlushResult> flush) => flush.AsTask().WaitAsync(LongestFlush, time);
}
