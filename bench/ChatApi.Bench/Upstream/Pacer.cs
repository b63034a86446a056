using System.Diagnostics;

namespace ChatApi.Bench.Upstream;

/// <summary>Sends what is due, on one thread: a timer and a wake-up per stream would cost more than the sending.</summary>
internal sealed class Pacer
{
    private readonly PriorityQueue<PacedReply, long> _due = new();
    private readonly Lock _gate = new();

    public Pacer() => new Thread(Run) { IsBackground = true, Priority = ThreadPriority.Highest }.Start();

    /// <summary>Sends the pieces of a reply at its pace, the first after one pause.</summary>
    public void Add(PacedReply reply)
    {
        lock (_gate)
            _due.Enqueue(reply, reply.Due);
    }

    private void Run()
    {
        while (true)
        {
            while (TakeDue() is { } reply)
            {
                if (reply.SendNext())
                    Add(reply);
            }

            // A millisecond late at most, for yardstick and product alike.
            Thread.Sleep(1);
        }
    }

    private PacedReply? TakeDue()
    {
        lock (_gate)
            return _due.TryPeek(out var reply, out var due) && due <= Stopwatch.GetTimestamp() ? _due.Dequeue() : null;
    }
}
