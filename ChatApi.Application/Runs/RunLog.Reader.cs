using System.Threading.Tasks.Sources;

namespace ChatApi.Application.Runs;

internal sealed partial class RunLog
{
    /// <summary>
    /// One who follows, and where it waits. Pieces, the end of its patience and its leaving all wake it the same way, so that a
    /// piece costs it no timer, no registration and no task.
    /// </summary>
    private sealed class Reader : IValueTaskSource, IDisposable
    {
        private readonly RunLog _log;
        private readonly TimeProvider _time;
        private readonly ITimer _timer;
        private readonly CancellationTokenRegistration _leaving;
        private ManualResetValueTaskSourceCore<bool> _signal;
        private long _lastTold;

        public Reader(RunLog log, TimeProvider time, CancellationToken cancellationToken)
        {
            (_log, _time, _lastTold) = (log, time, time.GetTimestamp());
            _timer = time.CreateTimer(static reader => ((Reader)reader!).Tick(), this, LongestSilence, Timeout.InfiniteTimeSpan);
            _leaving = cancellationToken.UnsafeRegister(static reader => ((Reader)reader!).Interrupt(), this);
            Interlocked.Increment(ref _viewers);
        }

        public bool IsInSilence => _time.GetElapsedTime(Volatile.Read(ref _lastTold)) >= LongestSilence;

        public void WasTold() => Volatile.Write(ref _lastTold, _time.GetTimestamp());

        /// <summary>The one that waits after it.</summary>
        public Reader? Next { get; private set; }

        /// <summary>Only with the log's lock held: whoever takes the reader out of those that wait, wakes it.</summary>
        public ValueTask WaitAsync(Reader? next)
        {
            Next = next;
            _signal.Reset();
            return new(this, _signal.Version);
        }

        public void Wake() => _signal.SetResult(true);

        public void Dispose()
        {
            Interlocked.Decrement(ref _viewers);
            _timer.Dispose();
            _leaving.Dispose();
        }

        void IValueTaskSource.GetResult(short token) => _signal.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _signal.GetStatus(token);

        void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _signal.OnCompleted(continuation, state, token, flags);

        /// <summary>Telling something only notes the time: the one timer looks when it is due, and sleeps for what is left.</summary>
        private void Tick()
        {
            var left = LongestSilence - _time.GetElapsedTime(Volatile.Read(ref _lastTold));
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
