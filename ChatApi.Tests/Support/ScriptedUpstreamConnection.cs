using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace ChatApi.Tests.Support;

/// <summary>One connection of <see cref="ScriptedUpstream"/>: reads a request, plays a script.</summary>
internal sealed class ScriptedUpstreamConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private ScriptedUpstreamCall? _call;
    private UpstreamFraming _framing = UpstreamFraming.CloseDelimited;
    private Func<long, bool>? _isSplit;
    private long _offset;
    private bool _ended;

    public ScriptedUpstreamConnection(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _stream = new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>The request; null if the client closed without one, or does not speak HTTP.</summary>
    public async Task<ScriptedUpstreamCall?> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (await ReadLineAsync(cancellationToken) is not { } requestLine || requestLine.Split(' ') is not [var method, var path, _])
            return null;

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await ReadLineAsync(cancellationToken) is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0)
                return null;
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        var body = await ReadBodyAsync(headers, cancellationToken);
        return _call = new ScriptedUpstreamCall(method, path, headers, Encoding.UTF8.GetString(body));
    }

    /// <summary>Plays the script until its end, the client's leaving, or the end of the test.</summary>
    public async Task PlayAsync(ScriptedUpstreamReply reply, CancellationToken stopping)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var watching = WatchAsync(gone, stopping);
        _isSplit = reply.IsSplit;
        try
        {
            foreach (var step in reply.Steps)
            {
                if (_ended)
                    break;
                await step(this, gone.Token);
            }

            if (!_ended && _framing == UpstreamFraming.Chunked)
                await _stream.WriteAsync("0\r\n\r\n"u8.ToArray(), gone.Token);
            if (!_ended)
                _socket.Shutdown(SocketShutdown.Send);
            _ended = true;
        }
        finally
        {
            _call!.SetPlayed();
            // Data that nobody has read would turn the close into a reset: leave that to the client, for a while.
            if (!stopping.IsCancellationRequested)
                await Task.WhenAny(watching, Task.Delay(TimeSpan.FromSeconds(5), stopping));
        }
    }

    public async Task SendHeadAsync(ReadOnlyMemory<byte> head, UpstreamFraming framing, CancellationToken cancellationToken)
    {
        _framing = framing;
        await _stream.WriteAsync(head, cancellationToken);
    }

    public async Task SendBodyAsync(ReadOnlyMemory<byte> bytes, string? text, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            var length = 1;
            while (length < bytes.Length && _isSplit?.Invoke(_offset + length) is not true)
                length++;
            if (_offset > 0 && _isSplit?.Invoke(_offset) is true)
                await Task.Delay(1, cancellationToken); // Lets the reader see the first part alone.
            await WriteAsync(bytes[..length], cancellationToken);
            _offset += length;
            bytes = bytes[length..];
            _call!.AddSent(length, bytes.IsEmpty ? text : null);
        }
    }

    public Task ResetAsync()
    {
        _ended = true;
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
        return Task.CompletedTask;
    }

    public Task CutAsync()
    {
        _ended = true;
        _socket.Shutdown(SocketShutdown.Send);
        return Task.CompletedTask;
    }

    public void Dispose() => _stream.Dispose();

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_framing == UpstreamFraming.Chunked)
        {
            var size = Encoding.ASCII.GetBytes(bytes.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
            bytes = (byte[])[.. size, .. bytes.Span, .. "\r\n"u8];
        }

        await _stream.WriteAsync(bytes, cancellationToken);
    }

    /// <summary>A client that sends nothing more is read only to see it leave.</summary>
    private async Task WatchAsync(CancellationTokenSource gone, CancellationToken stopping)
    {
        var buffer = new byte[256];
        try
        {
            while (await _socket.ReceiveAsync(buffer, stopping) > 0)
            {
            }
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException or OperationCanceledException)
        {
        }

        if (_ended || stopping.IsCancellationRequested)
            return;
        _call!.SetClosedByClient();
        try
        {
            await gone.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // The script came to its end in the meantime.
        }
    }

    private async Task<byte[]> ReadBodyAsync(Dictionary<string, string> headers, CancellationToken cancellationToken)
    {
        if (headers.TryGetValue("Content-Length", out var length))
            return await ReadAsync(int.Parse(length, CultureInfo.InvariantCulture), cancellationToken);
        if (!headers.ContainsKey("Transfer-Encoding"))
            return [];

        var body = new List<byte>();
        while (await ReadLineAsync(cancellationToken) is { Length: > 0 } size)
        {
            body.AddRange(await ReadAsync(int.Parse(size, NumberStyles.HexNumber, CultureInfo.InvariantCulture), cancellationToken));
            await ReadLineAsync(cancellationToken);
            if (size == "0")
                break;
        }

        return [.. body];
    }

    private async Task<byte[]> ReadAsync(int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        await _stream.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    /// <summary>A line of the head, byte by byte: what follows it must stay unread. Null at the end of the stream.</summary>
    private async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (await _stream.ReadAsync(one, cancellationToken) > 0)
        {
            if (one[0] == '\n')
                return line.ToString().TrimEnd('\r');
            line.Append((char)one[0]);
        }

        return line.Length > 0 ? line.ToString() : null;
    }
}
