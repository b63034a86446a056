namespace ChatApi.Bench.Load;

/// <summary>Takes the framing of HTTP's chunks out of a body, in place, wherever the reads may have cut it.</summary>
internal struct ChunkedBody
{
    private State _state;
    private int _size;

    private enum State
    {
        Size,
        SizeEnd,
        Data,
        DataEnd,
        Trailer,
        Ended,
    }

    /// <summary>The last chunk is there, with its empty line.</summary>
    public readonly bool HasEnded => _state == State.Ended;

    /// <summary>Moves the payload to the beginning of the span, and returns its length.</summary>
    /// <exception cref="WrongReplyException">The framing is broken.</exception>
    public int Decode(Span<byte> bytes)
    {
        var payload = 0;
        for (var i = 0; i < bytes.Length;)
        {
            if (_state == State.Data)
            {
                var length = Math.Min(_size, bytes.Length - i);
                bytes.Slice(i, length).CopyTo(bytes[payload..]);
                (payload, i, _size) = (payload + length, i + length, _size - length);
                if (_size == 0)
                    _state = State.DataEnd;
                continue;
            }

            Step(bytes[i++]);
        }

        return payload;
    }

    private void Step(byte value)
    {
        switch (_state, value)
        {
            case (State.Size, _) when char.IsAsciiHexDigit((char)value):
                _size = (_size << 4) + (value <= '9' ? value - '0' : (value | 0x20) - 'a' + 10);
                break;
            case (State.Size, (byte)'\r'):
                _state = State.SizeEnd;
                break;
            case (State.SizeEnd, (byte)'\n'):
                _state = _size == 0 ? State.Trailer : State.Data;
                break;
            case (State.DataEnd or State.Trailer, (byte)'\r'):
                break;
            case (State.DataEnd, (byte)'\n'):
                _state = State.Size;
                break;
            case (State.Trailer, (byte)'\n'):
                _state = State.Ended;
                break;
            default:
                throw new WrongReplyException($"Broken framing: {value} in {_state}.");
        }
    }
}
