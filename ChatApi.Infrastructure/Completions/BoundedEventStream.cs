using System.Runtime.CompilerServices;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// The body of an upstream's answer, for a parser that buffers each event whole: refuses one that does not end, so that
/// memory stays flat whatever an upstream sends.
/// </summary>
internal sealed class BoundedEventStream(Stream inner) : Stream
{
    /// <summary>Bytes without a whole event among them. A piece of a reply has some hundred.</summary>
    public const int Limit = 1024 * 1024;

    private int _bytesSinceEvent;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The parser has found a whole event in what was read.</summary>
    public void EventRead() => _bytesSinceEvent = 0;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Reading nothing first waits without a buffer: a model thinks for most of the time, on thousands of streams at once.
        _ = await inner.ReadAsync(Memory<byte>.Empty, cancellationToken);
        var read = await inner.ReadAsync(buffer, cancellationToken);
        _bytesSinceEvent += read;
        return _bytesSinceEvent <= Limit ? read : throw CompletionFailures.Failed(retryable: false);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
