using System.Threading.Tasks.Sources;

namespace ChatApi.Application.Runs;

internal sealed partial class RunLog
{
    private sealed class Reading(RunLog log, int after) : IAsyncEnumerable<RunEvent>
    {
        public IAsyncEnumerator<RunEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) => new Reader(log, after, cancellationToken);
    }

    /// <summary>
    /// One who follows, and where it waits. Pieces, the end of its patience and its leaving all wake it the same way, so that a
    /// piece costs it no timer, no registration, no task and no state machine.
    /// </summary>
    private sealed class Reader : IAsyncEnumerator<RunEvent>, IValueTaskSource<bool>
    {
        private readonly RunLog _log;
        private readonly ITimer _timer;
        private readonly CancellationToken _leaves;
        private readonly CancellationTokenRegistration _leaving;
        private ManualResetValueTaskSourceCore<bool> _signal;
        private RunEvent? _current;
        private int _cursor;
        private bool _hasEnded;
        private long _lastTold;

        public Reader(RunLog log, int after, CancellationToken cancellationToken)
        {
            (_log, _cursor, _leaves, _lastTold) = (log, after, cancellationToken, log._time.GetTimestamp());
            _timer = log._time.CreateTimer(static reader => ((Reader)reader!).Tick(), this, LongestSilence, Timeout.InfiniteTimeSpan);
            _leaving = cancellationToken.UnsafeRegister(static reader => ((Reader)reader!).Interrupt(), this);
            Interlocked.Increment(ref _viewers);
        }

        public RunEvent Current => _current!;

        /// <summary>The one that waits after it.</summary>
        public Reader? Next { get; set; }

        private TimeSpan Silence => _log._time.GetElapsedTime(Volatile.Read(ref _lastTold));

        public ValueTask<bool> MoveNextAsync()
        {
            // Whoever asks again has been told what there was.
            if (_current is not null)
                Volatile.Write(ref _lastTold, _log._time.GetTimestamp());
            lock (_log._gate)
            {
                // Looked at here, so that who leaves now either is seen or finds the reader waiting.
                if (_leaves.IsCancellationRequested)
                    return ValueTask.FromCanceled<bool>(_leaves);
                if (_hasEnded)
                    return new(false);
                if (HasNews || Silence >= LongestSilence)
                {
                    TakeNext();
                    return new(true);
                }

                (Next, _log._waiting) = (_log._waiting, this);
                _signal.Reset();
                return new(this, _signal.Version);
            }
        }

        /// <summary>Whether there is something to be told. Only with the log's lock held, as all that looks at it.</summary>
        public bool HasNews => _cursor < _log._ends.Count || _log._terminal.Task.IsCompleted;

        /// <summary>Whoever takes the reader out of those that wait, wakes it.</summary>
        public void Wake() => _signal.SetResult(true);

        public ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref _viewers);
            _timer.Dispose();
            _leaving.Dispose();
            return default;
        }

        bool IValueTaskSource<bool>.GetResult(short token)
        {
            _signal.GetResult(token);
            _leaves.ThrowIfCancellationRequested();
            lock (_log._gate)
                TakeNext();
            return true;
        }

        ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _signal.GetStatus(token);

        void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _signal.OnCompleted(continuation, state, token, flags);

        /// <summary>What is ready; where nothing is, there is silence to be told of.</summary>
        private void TakeNext()
        {
            if (_cursor < _log._ends.Count)
            {
                _current = _log.Next(ref _cursor);
                return;
            }

            _hasEnded = _log._terminal.Task.IsCompleted;
            _current = _hasEnded ? _log._terminal.Task.Result : RunEvent.Heartbeat.Instance;
        }

        /// <summary>Telling something only notes the time: the one timer looks when it is due, and sleeps for what is left.</summary>
        private void Tick()
        {
            var left = LongestSilence - Silence;
            if (left <= TimeSpan.Zero)
                Interrupt();
            // Timers count whole milliseconds: a fraction would come back at once.
            _timer.Change((left > TimeSpan.Zero ? left : LongestSilence) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }

        private void Interrupt()
        {
            lock (_log._gate)
            {
                if (!TakeOut())
                    return;
            }

            Wake();
        }

        private bool TakeOut()
        {
            if (_log._waiting == this)
            {
                _log._waiting = Next;
                return true;
            }

            for (var before = _log._waiting; before is not null; before = before.Next)
            {
                if (before.Next != this)
                    continue;
                before.Next = Next;
                return true;
            }

            return false;
        }
    }
}
