using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace ChatApi.Bench.Upstream;

/// <summary>One connection of <see cref="FastUpstream"/>: as much of HTTP/1.1 as clients of chat completions use.</summary>
internal sealed class UpstreamConnection(Socket socket, Pacer pacer)
{
    private static readonly byte[] Head = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");

    /// <summary>Answers requests until the client leaves.</summary>
    public async Task ServeAsync()
    {
        var buffer = new byte[16 * 1024];
        var length = 0;
        try
        {
            while (true)
            {
                if (length == buffer.Length)
                    Array.Resize(ref buffer, length * 2);
                var read = await socket.ReceiveAsync(buffer.AsMemory(length));
                if (read == 0)
                    break;
                length += read;
                if (!IsWhole(buffer.AsSpan(0, length)))
                    continue;
                Answer(buffer.AsSpan(0, length));
                length = 0;
            }
        }
        catch (SocketException)
        {
            // The client has left.
        }
        finally
        {
            socket.Dispose();
        }
    }

    /// <summary>Sends a part of a reply. False: the client has left.</summary>
    public bool TrySend(ReplyScript script, uint seed, int from, int to) => TrySend([], script, seed, from, to);

    private bool TrySend(ReadOnlySpan<byte> head, ReplyScript script, uint seed, int from, int to)
    {
        var length = head.Length + to - from;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            head.CopyTo(buffer);
            script.Wire.CopyTo(buffer.AsSpan(head.Length), from, to, seed);
            return socket.Send(buffer.AsSpan(0, length)) == length;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Answer(ReadOnlySpan<byte> request)
    {
        var (pieces, pace, seed) = ReplyScript.ReadQuestion(request);
        var script = ReplyScript.For(pieces, seed);
        var isHere = TrySend(Head, script, seed, 0, script.WireEnd(0));
        if (isHere && pace > 0)
            pacer.Add(new PacedReply(this, script, seed, TimeSpan.FromMilliseconds(pace)));

        // At once, but each piece on its own, as models send them: whoever reads decides how much that is at a time.
        for (var piece = 0; isHere && pace == 0 && piece < pieces; piece++)
            isHere = TrySend(script, seed, script.WireEnd(piece), script.WireEnd(piece + 1));
    }

    private static bool IsWhole(ReadOnlySpan<byte> request)
    {
        var end = request.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;
        var head = Encoding.ASCII.GetString(request[..end]);
        const string Length = "\r\nContent-Length: ";
        var at = head.IndexOf(Length, StringComparison.OrdinalIgnoreCase);
        return at < 0
            ? request.EndsWith("\r\n0\r\n\r\n"u8)
            : request.Length - end - 4 >= int.Parse(head.AsSpan(at + Length.Length).ToString().Split('\r')[0], CultureInfo.InvariantCulture);
    }
}
