namespace ChatApi.MicroBench;

/// <summary>Takes what is written, and counts it.</summary>
internal sealed class CountingStream : Stream
{
    private bool _isAfterLineEnd;

    public long Bytes { get; private set; }

    /// <summary>Empty lines: the ends of events.</summary>
    public int Events { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Bytes += buffer.Length;
        while (buffer.IndexOf((byte)'\n') is var end and >= 0)
        {
            var isEmpty = end == 0 && _isAfterLineEnd;
            Events += isEmpty ? 1 : 0;
            _isAfterLineEnd = !isEmpty;
            buffer = buffer[(end + 1)..];
        }

        _isAfterLineEnd &= buffer.IsEmpty;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return default;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
