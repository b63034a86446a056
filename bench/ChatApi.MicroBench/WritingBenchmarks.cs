using BenchmarkDotNet.Attributes;
using ChatApi.Application.Runs;
using ChatApi.Web.Streaming;
using Microsoft.AspNetCore.Http;

namespace ChatApi.MicroBench;

/// <summary>Writing a reply of 200 pieces as Server-Sent Events, as one burst and with a flush a piece.</summary>
[MemoryDiagnoser]
public class WritingBenchmarks
{
    private const int Pieces = 200;

    private readonly SseWriter _writer = new(TimeProvider.System);
    private readonly RunEvent[] _events =
    [
        new RunEvent.Started(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()),
        .. Enumerable.Range(1, Pieces).Select(seq => new RunEvent.Content(seq % 10 == 0 ? " \"¿qué\"\n" : " token", seq)),
        new RunEvent.Done(Guid.NewGuid(), string.Concat(Enumerable.Repeat(" token", Pieces)), "stop", "gpt-4o-mini", new(9, Pieces, Estimated: false), Pieces + 1),
    ];

    /// <summary>Whether each event has to be waited for, which flushes what was written before.</summary>
    [Params(false, true)]
    public bool OneByOne { get; set; }

    /// <summary>Returns how many bytes it came to.</summary>
    /// <exception cref="InvalidOperationException">Not all events were written.</exception>
    [Benchmark(OperationsPerInvoke = Pieces)]
    public async Task<long> Event()
    {
        using var body = new CountingStream();
        var context = new DefaultHttpContext { Response = { Body = body } };
        await _writer.WriteAsync(context, new RunView(Guid.Empty, EventsAsync()), resumable: false);
        await context.Response.BodyWriter.CompleteAsync();
        return body.Events == _events.Length ? body.Bytes : throw new InvalidOperationException($"{body.Events} events were written.");
    }

    private async IAsyncEnumerable<RunEvent> EventsAsync()
    {
        foreach (var item in _events)
        {
            if (OneByOne)
                await Task.Yield();
            yield return item;
        }
    }
}
