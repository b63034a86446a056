using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ChatApi.Tests.Support;

/// <summary>
/// An OpenAI-compatible server that does exactly what it was told, down to the byte and the reset, and keeps a ledger of
/// what it was asked and what it sent. A raw socket: a web server would mend the very faults that are wanted.
/// Any path is answered. Each connection carries one request.
/// </summary>
/// <example><code>
/// await using var upstream = ScriptedUpstream.Start();
/// upstream.Reply("Hola", ", ¿qué");                                   // a whole good reply
/// upstream.Script(reply => reply.Delta("Hola").Reset());              // half a reply
/// upstream.Fail(429, "{}", ("Retry-After", "1"));
/// // … then, upstream.Calls[0].Body, .SentText, .ClientClosed
/// </code></example>
public sealed class ScriptedUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentQueue<ScriptedUpstreamReply> _queue = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly List<ScriptedUpstreamCall> _calls = [];
    private TaskCompletionSource _called = NewSignal();
    private Task _accepting = Task.CompletedTask;

    private ScriptedUpstream()
    {
    }

    /// <summary><c>http://127.0.0.1:port/</c>: an Azure endpoint.</summary>
    public Uri Address => new($"http://{_listener.LocalEndpoint}/");

    /// <summary><c>http://127.0.0.1:port/v1</c>: a value of <c>OPENAI_BASE_URL</c>.</summary>
    public string BaseUrl => $"{Address}v1";

    /// <summary>What is answered when nothing is queued; by default a short good reply.</summary>
    public Func<ScriptedUpstreamCall, ScriptedUpstreamReply> Default { get; set; } = _ => ScriptedUpstreamReply.Text("Hello", " there.");

    /// <summary>The ledger: all calls so far, in the order of their arrival.</summary>
    public IReadOnlyList<ScriptedUpstreamCall> Calls
    {
        get
        {
            lock (_gate)
                return [.. _calls];
        }
    }

    public static ScriptedUpstream Start()
    {
        var upstream = new ScriptedUpstream();
        upstream._listener.Start(backlog: 1024);
        upstream._accepting = upstream.AcceptAsync();
        return upstream;
    }

    /// <summary>An address at which connections are refused.</summary>
    public static Uri RefusedAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://{listener.LocalEndpoint}/");
    }

    /// <summary>The next call gets this answer; queued answers are given in order.</summary>
    public ScriptedUpstream Enqueue(ScriptedUpstreamReply reply)
    {
        _queue.Enqueue(reply);
        return this;
    }

    /// <summary>Queues a stream that is described step by step.</summary>
    public ScriptedUpstream Script(Func<ScriptedUpstreamReply, ScriptedUpstreamReply> describe) =>
        Enqueue(describe(ScriptedUpstreamReply.Stream()));

    /// <summary>Queues a whole good reply of these pieces.</summary>
    public ScriptedUpstream Reply(params string[] pieces) => Enqueue(ScriptedUpstreamReply.Text(pieces));

    /// <summary>Queues a refusal.</summary>
    public ScriptedUpstream Fail(int status, string body, params (string Name, string Value)[] headers) =>
        Enqueue(ScriptedUpstreamReply.Status(status, body, headers));

    /// <summary>The call with this index, once it has arrived.</summary>
    public async Task<ScriptedUpstreamCall> CallAsync(int index = 0, double seconds = 10)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (true)
        {
            Task called;
            lock (_gate)
            {
                if (_calls.Count > index)
                    return _calls[index];
                called = _called.Task;
            }

            await called.WaitAsync(timeout.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stopping.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token)));
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        using var connection = new ScriptedUpstreamConnection(socket);
        try
        {
            if (await connection.ReceiveAsync(_stopping.Token) is not { } call)
                return;
            Enter(call);
            var reply = _queue.TryDequeue(out var queued) ? queued : Default(call);
            await connection.PlayAsync(reply, _stopping.Token);
        }
        catch (Exception gone) when (gone is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // The client went away or the test is over: the ledger says which.
        }
    }

    private void Enter(ScriptedUpstreamCall call)
    {
        TaskCompletionSource called;
        lock (_gate)
        {
            _calls.Add(call);
            (called, _called) = (_called, NewSignal());
        }

        called.SetResult();
    }
}
