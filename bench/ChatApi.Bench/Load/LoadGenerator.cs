using System.Diagnostics;
using System.Net.Sockets;
using ChatApi.Bench.Upstream;

namespace ChatApi.Bench.Load;

/// <summary>Plays all the users of a workload.</summary>
internal sealed class LoadGenerator(Workload workload, Target target)
{
    // Never the same twice in a process: an old reply cannot pass for a new one.
    private static int _lastSeed;

    private readonly List<TurnTimes> _turns = [];
    private readonly List<double> _late = [];
    private int _pieces;
    private int _errors;
    private string? _firstError;

    /// <summary>Returns when all have had their replies, or have failed.</summary>
    public async Task<LoadResult> RunAsync()
    {
        using var patience = new CancellationTokenSource(workload.Patience);
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, workload.Users).Select(user => UserAsync(user, patience.Token)));
        return new(
            Stopwatch.GetElapsedTime(started).TotalSeconds,
            _turns.Count,
            _pieces,
            [.. _turns.Select(turn => Milliseconds(turn.FirstPiece - turn.Asked)).Order()],
            [.. _late.Order()],
            [.. _turns.Select(turn => Milliseconds(turn.Ended - turn.Asked)).Order()],
            _errors,
            _firstError);
    }

    private async Task UserAsync(int user, CancellationToken cancellationToken)
    {
        await Task.Delay(workload.Spread * user / workload.Users, CancellationToken.None);
        var clients = target.EndPoints.Select(server => new StreamClient(server)).ToList();
        await using var abortion = cancellationToken.Register(() => clients.ForEach(client => client.Abort()));
        var turn = 0;
        try
        {
            foreach (var client in clients)
                await client.ConnectAsync(cancellationToken);
            for (; turn < workload.Turns; turn++)
                await TurnAsync(user, clients[(user + turn) % clients.Count]);
        }
        catch (Exception exception) when (exception is WrongReplyException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            lock (_turns)
            {
                // Without the connection the turns that were to follow are lost, too.
                _errors += workload.Turns - turn;
                _firstError ??= exception.Message;
            }
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private async Task TurnAsync(int user, StreamClient client)
    {
        var seed = (uint)Interlocked.Increment(ref _lastSeed);
        var pieces = workload.PiecesOf(seed);
        var script = ReplyScript.For(pieces, seed);
        var request = target.Request(user, ReplyScript.Question(pieces, workload.Pace, seed));
        var times = await client.AskAsync(request, target.Check(script, seed));
        lock (_turns)
        {
            _turns.Add(times);
            _late.Add(Milliseconds(times.LastPiece - times.Asked) - (pieces * workload.Pace).TotalMilliseconds);
            _pieces += pieces;
        }
    }

    private static double Milliseconds(long ticks) => ticks * 1000.0 / Stopwatch.Frequency;
}
