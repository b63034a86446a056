using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace ChatApi.Tests.Support;

/// <summary>HTTP/1.1 by hand, for what a client library would mend, refuse to send or not show.</summary>
public static class RawHttp
{
    /// <summary>Sends these bytes and reads until the server closes or the time is over; the answer as Latin-1.</summary>
    public static async Task<string> SendAsync(Uri server, byte[] request)
    {
        await using var stream = await OpenAsync(server, request);
        return await ReadAsync(stream);
    }

    /// <summary>Sends these bytes, and leaves the connection to whoever has more to send.</summary>
    public static async Task<NetworkStream> OpenAsync(Uri server, byte[] beginning)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port);
        var stream = new NetworkStream(socket, ownsSocket: true);
        await stream.WriteAsync(beginning);
        return stream;
    }

    /// <summary>Reads until the server closes or the time is over; the answer as Latin-1.</summary>
    public static async Task<string> ReadAsync(NetworkStream stream)
    {
        using var patience = new CancellationTokenSource(Poll.Patience);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, patience.Token);
        return Encoding.Latin1.GetString(answer.ToArray());
    }

    /// <summary>A request head with <c>Connection: close</c>, and its body.</summary>
    public static byte[] Request(string line, string? token, byte[] body, params string[] headers)
    {
        var head = new StringBuilder().Append(line).Append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        if (token is not null)
            head.Append("Authorization: Bearer ").Append(token).Append("\r\n");
        foreach (var header in headers)
            head.Append(header).Append("\r\n");
        if (body.Length > 0)
            head.Append("Content-Type: application/json\r\n").Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
        return [.. Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), .. body];
    }

    /// <summary>The chunks in which the server wrote the body of an answer, as they stood on the wire.</summary>
    public static IReadOnlyList<string> Chunks(string answer) => Chunks(answer, Encoding.UTF8);

    /// <inheritdoc cref="Chunks(string)"/>
    public static IReadOnlyList<string> Chunks(string answer, Encoding encoding)
    {
        var chunks = new List<string>();
        var at = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        while (true)
        {
            var end = answer.IndexOf("\r\n", at, StringComparison.Ordinal);
            var size = int.Parse(answer[at..end], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0)
                return chunks;
            chunks.Add(encoding.GetString(Encoding.Latin1.GetBytes(answer.Substring(end + 2, size))));
            at = end + 2 + size + 2;
        }
    }
}
