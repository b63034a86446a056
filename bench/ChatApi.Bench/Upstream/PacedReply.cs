using System.Diagnostics;

namespace ChatApi.Bench.Upstream;

/// <summary>A reply that is being sent piece by piece.</summary>
internal sealed class PacedReply(UpstreamConnection connection, ReplyScript script, uint seed, TimeSpan pace)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private int _sent;

    /// <summary>When the next piece is due, reckoned from the start: one that was late delays none of the others.</summary>
    public long Due => _started + (long)((_sent + 1) * pace.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Sends the next piece, and whether there will be another.</summary>
    public bool SendNext()
    {
        var from = script.WireEnd(_sent);
        _sent++;
        return connection.TrySend(script, seed, from, script.WireEnd(_sent)) && _sent < script.Pieces;
    }
}
