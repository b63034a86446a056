using System.Text;
using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>One line of the ledger: what was asked, what was sent, and how it ended.</summary>
public sealed class ScriptedUpstreamCall(string method, string path, IReadOnlyDictionary<string, string> headers, string body)
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();
    private readonly List<(DateTimeOffset At, int Bytes, string? Text)> _sent = [];
    private readonly TaskCompletionSource<DateTimeOffset> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _played = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DateTimeOffset At { get; } = DateTimeOffset.UtcNow;

    public string Method => method;

    /// <summary>The path with its query, as it stood in the request line.</summary>
    public string Path => path;

    /// <summary>By name, in any case.</summary>
    public IReadOnlyDictionary<string, string> Headers => headers;

    public string Body => body;

    /// <summary>The body, parsed.</summary>
    public JsonElement Json => JsonDocument.Parse(body).RootElement;

    /// <summary>The pieces of text in the events that have gone out whole.</summary>
    public string SentText
    {
        get
        {
            lock (_gate)
                return _text.ToString();
        }
    }

    /// <summary>Bytes of the body (framing aside) handed to the network.</summary>
    public long SentBytes
    {
        get
        {
            lock (_gate)
                return _sent.Sum(sent => (long)sent.Bytes);
        }
    }

    /// <summary>Each write with its time, and the piece of text that it completed.</summary>
    public IReadOnlyList<(DateTimeOffset At, int Bytes, string? Text)> Sent
    {
        get
        {
            lock (_gate)
                return [.. _sent];
        }
    }

    /// <summary>When the client closed or reset the connection before the script was through; ends only if it does.</summary>
    public Task<DateTimeOffset> ClientClosed => _closed.Task;

    /// <summary>Ends when the script is through, or has ended because the client went away.</summary>
    public Task Played => _played.Task;

    internal void AddSent(int bytes, string? text)
    {
        lock (_gate)
        {
            _sent.Add((DateTimeOffset.UtcNow, bytes, text));
            _text.Append(text);
        }
    }

    internal void SetClosedByClient() => _closed.TrySetResult(DateTimeOffset.UtcNow);

    internal void SetPlayed() => _played.TrySetResult();
}
