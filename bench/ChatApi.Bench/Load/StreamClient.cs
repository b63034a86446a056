using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ChatApi.Bench.Load;

/// <summary>When things came, by the clock of <see cref="Stopwatch"/>.</summary>
internal readonly record struct TurnTimes(long Asked, long FirstPiece, long LastPiece, long Ended);

/// <summary>One user's connection: sends a question, checks the reply as it comes. A raw socket, because it must cost little.</summary>
internal sealed class StreamClient(EndPoint server) : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(8 * 1024);

    public ValueTask ConnectAsync(CancellationToken cancellationToken) => _socket.ConnectAsync(server, cancellationToken);

    /// <summary>Ends whatever it is waiting for.</summary>
    public void Abort() => _socket.Dispose();

    /// <exception cref="WrongReplyException">The reply is not the one that was made for this question.</exception>
    /// <exception cref="SocketException">There is no connection.</exception>
    public async Task<TurnTimes> AskAsync(ReadOnlyMemory<byte> request, ReplyCheck check)
    {
        var asked = Stopwatch.GetTimestamp();
        await _socket.SendAsync(request);
        var (head, length) = await ReadHeadAsync();
        _buffer.AsSpan(head, length - head).CopyTo(_buffer);
        length -= head;

        var (body, kept, first, last) = (new ChunkedBody(), 0, 0L, 0L);
        while (true)
        {
            length = kept + body.Decode(_buffer.AsSpan(kept, length - kept));
            var done = check.Feed(_buffer.AsSpan(0, length));
            if (first == 0 && check.HasFirstPiece)
                first = Stopwatch.GetTimestamp();
            if (last == 0 && check.HasLastPiece)
                last = Stopwatch.GetTimestamp();
            kept = length - done;
            if (body.HasEnded)
                break;
            _buffer.AsSpan(done, kept).CopyTo(_buffer);
            length = kept + await ReceiveAsync(kept);
        }

        check.End();
        return new(asked, first, last, Stopwatch.GetTimestamp());
    }

    public void Dispose()
    {
        _socket.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    /// <summary>Where the head ends, and how much there is altogether.</summary>
    private async ValueTask<(int Head, int Length)> ReadHeadAsync()
    {
        var length = 0;
        int end;
        do
        {
            length += await ReceiveAsync(length);
            end = _buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
        }
        while (end < 0);

        var head = _buffer.AsSpan(0, end + 2);
        if (!head.StartsWith("HTTP/1.1 200 "u8) || head.IndexOf("Transfer-Encoding: chunked\r\n"u8) < 0)
            throw new WrongReplyException(Encoding.UTF8.GetString(_buffer.AsSpan(0, Math.Min(length, 1000))));
        return (end + 4, length);
    }

    private async ValueTask<int> ReceiveAsync(int kept)
    {
        if (kept == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(kept * 2);
            _buffer.CopyTo(larger, 0);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        var read = await _socket.ReceiveAsync(_buffer.AsMemory(kept));
        return read > 0 ? read : throw new WrongReplyException("The connection was closed in the midst of a reply.");
    }
}
