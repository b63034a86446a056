using System.Buffers;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Finds the events of a <c>text/event-stream</c> in what has arrived of it, and shows each where it lies: nothing is allocated for an
/// event. Lines end in LF, CR or CRLF; comments and fields that say nothing here are passed over; what breaks off in the middle of an
/// event is none (<see href="https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation"/>).
/// An event that does not end is refused, so that memory stays flat whatever an upstream sends.
/// </summary>
/// <param name="body">The stream.</param>
/// <param name="exchange">Where one can wait for more of it at less cost, if that is known.</param>
internal sealed class EventStreamReader(Stream body, ModelConnection.Exchange? exchange = null) : IDisposable
{
    /// <summary>Bytes of the longest event. A piece of a reply has some hundred.</summary>
    public const int LongestEvent = 1024 * 1024;

    private const int FirstSize = 4 * 1024;

    private byte[] _buffer = [];
    private int _length;
    private int _line;
    private int _searched;
    private int _dataStart = -1;
    private int _dataEnd;
    private bool _isError;
    private bool _mayBeLineFeed;
    private bool _hasBegun;
    private bool _hasReadAll;
    private (int Start, int End, bool IsError) _event;
    private bool _isPutBack;

    /// <summary>The next event of which all has arrived.</summary>
    /// <param name="data">Its data; good until the next call of any method.</param>
    /// <param name="isError">Whether its type is <c>error</c>.</param>
    public bool TryRead(out ReadOnlySpan<byte> data, out bool isError)
    {
        var hasOne = _isPutBack || TryFind();
        _isPutBack = false;
        data = hasOne ? _buffer.AsSpan(_event.Start, _event.End - _event.Start) : default;
        isError = hasOne && _event.IsError;
        return hasOne;
    }

    /// <summary>The event that was read last is read again next. Before any other call.</summary>
    public void PutBack() => _isPutBack = true;

    /// <summary>
    /// Waits until more has come, without a buffer: a model thinks for most of the time, on thousands of streams at once. What is read
    /// is nothing. Returns at once where the beginning of an event has come.
    /// </summary>
    public ValueTask<int> WaitAsync(CancellationToken cancellationToken)
    {
        Compact();
        return _length > 0 ? default
            : _hasReadAll && exchange is { CanWait: true } ? exchange.WaitAsync(cancellationToken)
            : body.ReadAsync(Memory<byte>.Empty, cancellationToken);
    }

    /// <summary>Reads what has come; <see cref="Advance"/> by as much before the next event is looked for.</summary>
    /// <exception cref="Application.Errors.CompletionException">An event does not end.</exception>
    public ValueTask<int> ReadAsync(CancellationToken cancellationToken)
    {
        if (_length == _buffer.Length)
            Grow();
        return body.ReadAsync(_buffer.AsMemory(_length), cancellationToken);
    }

    /// <summary>Takes in what was read. False: that was nothing, and nothing more will come.</summary>
    /// <param name="read">Bytes.</param>
    public bool Advance(int read)
    {
        _hasReadAll = read < _buffer.Length - _length;
        _length += read;
        return read > 0;
    }

    public void Dispose() => Return();

    private bool TryFind()
    {
        while (TryReadLine(out var line))
        {
            if (!line.IsEmpty)
            {
                Take(line);
                continue;
            }

            _event = (_dataStart, _dataEnd, _isError);
            (_dataStart, _isError) = (-1, false);
            if (_event.Start >= 0)
                return true;
        }

        return false;
    }

    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (_mayBeLineFeed && _line < _length)
        {
            _mayBeLineFeed = false;
            if (_buffer[_line] == (byte)'\n')
                _line++;
        }

        // From where the last look at a line that had not ended yet has left off: it may come a byte at a time.
        _searched = Math.Max(_searched, _line);
        var end = _buffer.AsSpan(_searched, _length - _searched).IndexOfAny((byte)'\n', (byte)'\r');
        if (end < 0)
        {
            _searched = _length;
            return false;
        }

        end += _searched;
        line = _buffer.AsSpan(_line, end - _line);
        _mayBeLineFeed = _buffer[end] == (byte)'\r';
        _line = end + 1;
        if (!_hasBegun && line.StartsWith("\uFEFF"u8))
            line = line[3..];
        _hasBegun = true;
        return true;
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        var name = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? default : line[(colon + 1)..];
        if (value.StartsWith(" "u8))
            value = value[1..];
        if (name.SequenceEqual("data"u8))
            TakeData(value);
        else if (name.SequenceEqual("event"u8))
            _isError = value.SequenceEqual("error"u8);
    }

    /// <summary>The lines of one event's data are moved together, which leaves them in the buffer.</summary>
    private void TakeData(ReadOnlySpan<byte> value)
    {
        if (_dataStart < 0)
        {
            _dataStart = _line - 1 - value.Length;
            _dataEnd = _line - 1;
            return;
        }

        _buffer[_dataEnd] = (byte)'\n';
        value.CopyTo(_buffer.AsSpan(_dataEnd + 1));
        _dataEnd += 1 + value.Length;
    }

    /// <summary>Keeps what is still wanted: the data of the event that goes on, and the line that has not ended.</summary>
    private void Compact()
    {
        var from = _dataStart < 0 ? _line : _dataStart;
        if (from == _length)
            Return();
        else if (from > 0)
            _buffer.AsSpan(from, _length - from).CopyTo(_buffer);
        _length -= from;
        _line -= from;
        _searched -= from;
        _dataEnd -= from;
        if (_dataStart >= 0)
            _dataStart = 0;
    }

    private void Grow()
    {
        if (_length >= LongestEvent)
            throw CompletionFailures.Failed(retryable: false);
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstSize, _length * 2));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        Return();
        _buffer = larger;
    }

    private void Return()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
