using System.Net;
using System.Net.Sockets;

namespace ChatApi.Bench.Upstream;

/// <summary>
/// A model server that costs next to nothing: raw sockets, replies made beforehand, one thread for all that is sent at a pace.
/// A process of its own, so that its work is nobody else's.
/// </summary>
internal static class FastUpstream
{
    /// <summary>Serves until the process is ended.</summary>
    public static async Task RunAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(4096);
        Console.WriteLine($"upstream is listening on http://{listener.LocalEndPoint}");
        var pacer = new Pacer();
        while (true)
        {
            var socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            _ = new UpstreamConnection(socket, pacer).ServeAsync();
        }
    }
}
