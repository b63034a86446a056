using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ChatApi.Tests.Support;

/// <summary>A TCP proxy that fails as networks do: slow, cut, reset, silent, refusing. Faults are switched while it works.</summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly ConcurrentDictionary<Connection, bool> _open = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task _accepting = Task.CompletedTask;
    private TaskCompletionSource _healed = Healed();
    private long _delayTicks;
    private long _cutAfter = long.MaxValue;
    private volatile bool _refusing;
    private volatile bool _splitting;

    private FaultProxy(int target) => _target = target;

    /// <summary>Where it listens on the loopback interface.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many connections are open through it.</summary>
    public int Connections => _open.Count;

    /// <summary>A proxy before a port of this machine.</summary>
    public static FaultProxy Before(int port)
    {
        var proxy = new FaultProxy(port);
        proxy._listener.Start(backlog: 512);
        proxy._accepting = proxy.AcceptAsync();
        return proxy;
    }

    /// <summary>Each chunk waits, in both directions.</summary>
    public void Delay(TimeSpan delay) => Volatile.Write(ref _delayTicks, delay.Ticks);

    /// <summary>Connections stay open, and nothing comes through any more.</summary>
    public void BlackHole()
    {
        if (_healed.Task.IsCompleted)
            _healed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>New connections are reset at once; open ones go on.</summary>
    public void Refuse() => _refusing = true;

    /// <summary>Resets each connection after so many more bytes of answers.</summary>
    public void CutAfter(long bytes) => Volatile.Write(ref _cutAfter, bytes);

    /// <summary>Each byte of answers goes on its own, and the next one a little later.</summary>
    public void SplitAnswers() => _splitting = true;

    /// <summary>Resets all open connections.</summary>
    public void ResetAll()
    {
        foreach (var connection in _open.Keys)
            connection.Reset();
    }

    /// <summary>All is well again for connections that are still open, and for new ones.</summary>
    public void Heal()
    {
        _refusing = _splitting = false;
        Volatile.Write(ref _delayTicks, 0);
        Volatile.Write(ref _cutAfter, long.MaxValue);
        _healed.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        ResetAll();
        await _accepting;
        _stopping.Dispose();
    }

    private static TaskCompletionSource Healed()
    {
        var healed = new TaskCompletionSource();
        healed.SetResult();
        return healed;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token));
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var connection = new Connection(client);
        if (_refusing)
        {
            connection.Reset();
            return;
        }

        _open[connection] = true;
        try
        {
            client.NoDelay = true;
            await connection.Server.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _target), _stopping.Token);
            await Task.WhenAll(
                PumpAsync(connection, client, connection.Server, isAnswer: false), PumpAsync(connection, connection.Server, client, isAnswer: true));
        }
        catch (Exception gone) when (IsGone(gone))
        {
            connection.Reset();
        }
        finally
        {
            _open.TryRemove(connection, out _);
        }
    }

    private static bool IsGone(Exception exception) => exception is OperationCanceledException or SocketException or ObjectDisposedException;

    private async Task PumpAsync(Connection connection, Socket from, Socket to, bool isAnswer)
    {
        try
        {
            await PumpToTheEndAsync(connection, from, to, isAnswer);
        }
        catch (Exception gone) when (IsGone(gone))
        {
            // Who is on the other side is told at once: a database that is not would keep the transaction of a process that is gone.
            connection.Reset();
        }
    }

    private async Task PumpToTheEndAsync(Connection connection, Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var read = await from.ReceiveAsync(buffer, _stopping.Token);
            await _healed.Task.WaitAsync(_stopping.Token);
            if (Volatile.Read(ref _delayTicks) is var ticks and > 0)
                await Task.Delay(TimeSpan.FromTicks(ticks), _stopping.Token);
            if (read == 0)
                break;
            if (isAnswer && Interlocked.Add(ref _cutAfter, -read) < 0)
            {
                connection.Reset();
                return;
            }

            for (var sent = 0; sent < read;)
            {
                var isSplit = isAnswer && _splitting;
                sent += await to.SendAsync(buffer.AsMemory(sent, isSplit ? 1 : read - sent), _stopping.Token);
                if (isSplit)
                    await Task.Delay(1, _stopping.Token);
            }
        }

        to.Shutdown(SocketShutdown.Send);
    }

    private sealed class Connection(Socket client) : IDisposable
    {
        public Socket Server { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        public void Reset()
        {
            foreach (var socket in new[] { client, Server })
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                }
                catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
                {
                }

                socket.Dispose();
            }
        }

        public void Dispose()
        {
            client.Dispose();
            Server.Dispose();
        }
    }
}
