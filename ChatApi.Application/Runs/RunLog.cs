using System.Runtime.InteropServices;
using System.Text;
using ChatApi.Application.Abstractions;

namespace ChatApi.Application.Runs;

/// <summary>
/// The reply so far, in memory: one writer appends, any number of readers follow at their own pace, each with a cursor.
/// A reader that stops reading holds up nobody, and what gathers meanwhile reaches it as one event.
/// </summary>
internal sealed partial class RunLog(TimeProvider time)
{
    /// <summary>
    /// How much text, in UTF-16 units, one event takes on for a reader that is behind: each may hold one that it does not read.
    /// </summary>
    private const int LongestEvent = 16 * 1024;

    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15);

    private readonly TimeProvider _time = time;
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new(512); // Room for a short reply: nearly all are longer, and would outgrow less several times.
    private readonly List<int> _ends = new(64);
    private readonly TaskCompletionSource<RunEvent> _terminal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private static int _viewers;
    private Reader? _waiting;
    private int _published;
    private char? _heldBack;

    /// <summary>The text of the last piece; null where only another process had it as one.</summary>
    private string? _last;

    /// <summary>How many read a log in this process.</summary>
    public static int Viewers => Volatile.Read(ref _viewers);

    /// <summary>The last event, when the run has ended and its reply is stored.</summary>
    public Task<RunEvent> Terminal => _terminal.Task;

    /// <summary>How many pieces there are.</summary>
    public int Pieces
    {
        get
        {
            lock (_gate)
                return _ends.Count;
        }
    }

    /// <summary>How long the text is, in UTF-16 units, with the half of a character that waits for its other half.</summary>
    public int Length
    {
        get
        {
            lock (_gate)
                return _text.Length + (_heldBack is null ? 0 : 1);
        }
    }

    /// <summary>How much of it has come since readers were woken.</summary>
    public int Unpublished
    {
        get
        {
            lock (_gate)
                return _text.Length - _published;
        }
    }

    /// <summary>The text so far, and where each piece of it ends.</summary>
    public (string Text, int[] Ends) Snapshot()
    {
        lock (_gate)
            return (_text.ToString(), [.. _ends]);
    }

    /// <summary>What comes after the first <paramref name="after"/> pieces so far, for the journal; null if nothing does.</summary>
    public JournalEntry? Since(int after, Guid runId, int fence)
    {
        lock (_gate)
        {
            if (after >= _ends.Count)
                return null;
            var start = Offset(after);
            var ends = CollectionsMarshal.AsSpan(_ends)[after..];
            return new(runId, fence, after, ends.Length, _text.ToString(start, _text.Length - start), PieceLengths.Encode(ends, start));
        }
    }

    /// <summary>Adds what another process has journalled: the part of it that is not here yet, if it goes on from what is.</summary>
    /// <returns>Whether there was such a part.</returns>
    public bool Append(JournalEntry entry)
    {
        lock (_gate)
        {
            var (have, start) = (_ends.Count - entry.After, _text.Length);
            if (have < 0 || have >= entry.Pieces)
                return false;
            var cut = PieceLengths.Offset(entry.PieceLengths, have);
            _text.Append(entry.Text, cut, entry.Text.Length - cut);
            _ends.AddRange(PieceLengths.Decode(entry.PieceLengths).Skip(have).Select(end => start + end - cut));
            _last = null;
        }

        Publish();
        return true;
    }

    /// <summary>
    /// Adds a piece; readers that wait are told by <see cref="Publish"/>. Half a character waits for its other half; what
    /// PostgreSQL cannot keep becomes U+FFFD.
    /// </summary>
    public void Append(string piece)
    {
        if (piece.Length == 0)
            return;
        lock (_gate)
        {
            var text = Whole(piece);
            if (text.Length > 0)
                Add(text);
        }
    }

    /// <summary>
    /// Wakes the readers that wait for what there is. They go on here and now, on this thread, until each waits again: nothing is queued
    /// between a piece and the sockets of those who see it.
    /// </summary>
    public void Publish()
    {
        Reader? next = null;
        lock (_gate)
        {
            _published = _text.Length;
            Reader? others = null;
            for (var reader = _waiting; reader is not null;)
            {
                var following = reader.Next;
                if (reader.HasNews)
                    (reader.Next, next) = (next, reader);
                else
                    (reader.Next, others) = (others, reader);
                reader = following;
            }

            _waiting = others;
        }

        while (next is { } ready)
        {
            // Before it goes on, and waits again.
            next = ready.Next;
            ready.Wake();
        }
    }

    /// <summary>No more pieces will come: half a character that is left over becomes U+FFFD.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_heldBack is not null)
                Add("\uFFFD");
            _heldBack = null;
        }

        Publish();
    }

    /// <summary>Tells the readers the end. Whatever is told is stored by now.</summary>
    public void End(RunEvent terminal)
    {
        _terminal.TrySetResult(terminal);
        Publish();
    }

    /// <summary>
    /// What comes after the first <paramref name="after"/> pieces, down to the terminal event; a <see cref="RunEvent.Heartbeat"/>
    /// where nothing comes for long. The token of whoever enumerates ends it.
    /// </summary>
    public IAsyncEnumerable<RunEvent> Read(int after) => new Reading(this, after);

    private void Add(string text)
    {
        _text.Append(text);
        _ends.Add(_text.Length);
        _last = text;
    }

    /// <summary>What is ready, as one event. At a human pace that is the last piece alone, whose text is there already.</summary>
    private RunEvent.Content Next(ref int cursor)
    {
        var (start, isLast) = (Offset(cursor), cursor == _ends.Count - 1);
        cursor = EndOfEvent(cursor, start + LongestEvent);
        return new(isLast && _last is not null ? _last : _text.ToString(start, Offset(cursor) - start), cursor);
    }

    /// <summary>How many pieces there are with the next event: all that are ready and end by then, or one that is longer.</summary>
    private int EndOfEvent(int cursor, int end)
    {
        if (_ends[^1] <= end)
            return _ends.Count;
        var found = _ends.BinarySearch(cursor, _ends.Count - cursor, end, null);
        return Math.Max(cursor + 1, found < 0 ? ~found : found + 1);
    }

    private int Offset(int pieces) => pieces == 0 ? 0 : _ends[pieces - 1];

    private string Whole(string piece)
    {
        if (_heldBack is { } high)
        {
            piece = high + piece;
            _heldBack = null;
        }

        if (char.IsHighSurrogate(piece[^1]))
        {
            _heldBack = piece[^1];
            piece = piece[..^1];
        }

        return IsStorable(piece) ? piece : Repair(piece);
    }

    private static bool IsStorable(string text)
    {
        for (var index = 0; index < text.Length; index++)
        {
            if (text[index] == '\0')
                return false;
            if (!char.IsSurrogate(text[index]))
                continue;
            if (index + 1 == text.Length || !char.IsSurrogatePair(text[index], text[index + 1]))
                return false;
            index++;
        }

        return true;
    }

    private static string Repair(string text)
    {
        var builder = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            builder.Append(rune.Value == 0 ? Rune.ReplacementChar : rune);
        return builder.ToString();
    }
}
