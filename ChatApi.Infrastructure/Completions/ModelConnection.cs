namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// A connection to a model on which a reply can be waited for. <see cref="HttpClient"/>'s own wait for more of a body allocates a state machine
/// each time, more than anything else that a piece of a reply needs; to wait here for what the body is made of costs nothing. The body is still
/// read by <see cref="HttpClient"/> alone.
/// </summary>
internal sealed class ModelConnection(Stream stream) : Stream
{
    private static readonly AsyncLocal<Exchange?> Current = new();

    private readonly Stream _stream = stream;
    private volatile Exchange? _latest;
    private volatile bool _mayBeAtEnd = true;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Says on which connection the request goes that is sent next in this flow.</summary>
    public static Exchange Follow() => Current.Value = new();

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = _stream.ReadAsync(buffer, cancellationToken);
        if (buffer.IsEmpty)
            return read;
        _mayBeAtEnd = true; // As far as one knows, unless it can be looked at.
        if (!read.IsCompletedSuccessfully)
            return read;
        var length = read.Result;
        _mayBeAtEnd = CanBeEnd(buffer.Span[..length]);
        return new(length);
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var exchange = Current.Value;
        _latest = exchange;
        var written = _stream.WriteAsync(buffer, cancellationToken);
        // After the write: of connections within connections, as through a proxy, it is the outer one.
        exchange?.Connection = this;
        return written;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        _mayBeAtEnd = true;
        return _stream.Read(buffer, offset, count);
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => _stream.Write(buffer, offset, count);

    /// <inheritdoc/>
    public override void Flush() => _stream.Flush();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => _stream.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _stream.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>
    /// A body in chunks ends with an empty line after one that is not: a chunk of no bytes, or a trailer
    /// (<see href="https://www.rfc-editor.org/rfc/rfc9112#section-7.1"/>). A chunk of whole events ends with two empty lines, that of the last event
    /// and its own.
    /// </summary>
    private static bool CanBeEnd(ReadOnlySpan<byte> bytes) =>
        bytes.Length < 6 || (IsLineEnd(ref bytes) && IsLineEnd(ref bytes) && !IsLineEnd(ref bytes));

    private static bool IsLineEnd(ref ReadOnlySpan<byte> bytes)
    {
        if (!bytes.EndsWith("\n"u8))
            return false;
        bytes = bytes[..^(bytes.EndsWith("\r\n"u8) ? 2 : 1)];
        return true;
    }

    /// <summary>A request and its response.</summary>
    public sealed class Exchange
    {
        /// <summary>On which it was sent last; null before.</summary>
        internal ModelConnection? Connection { private get; set; }

        /// <summary>
        /// Whether more of the body will come on the connection, if all was read that has come. Not if that may have been its end; what follows then
        /// may be of another exchange, which says so before it reads.
        /// </summary>
        public bool CanWait => Connection is { _mayBeAtEnd: false } connection && connection._latest == this;

        /// <summary>Waits until there is something to read, or nothing any more; what it reads is nothing.</summary>
        public ValueTask<int> WaitAsync(CancellationToken cancellationToken) => Connection!._stream.ReadAsync(Memory<byte>.Empty, cancellationToken);
    }
}
