namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// Cancels when a model is silent for too long. A piece only notes the time: the one timer of a reply looks at the note
/// when it is due, and goes back to sleep for what is left. (A timer set anew by each piece would be a lock for each piece.)
/// </summary>
internal sealed class SilenceWatch : IDisposable
{
    private const long Paused = long.MaxValue;

    // For usage and the end of the stream, once the reply is complete.
    private static readonly TimeSpan AfterFinish = TimeSpan.FromSeconds(5);

    private readonly CompletionOptions _limits;
    private readonly TimeProvider _timeProvider;
    private readonly CancellationTokenSource _cancellation;
    private readonly ITimer _timer;
    private readonly long _start;
    private long _quietSince;
    private volatile bool _hasContent;
    private volatile bool _isFinished;
    private volatile bool _hasExpired;

    public SilenceWatch(CompletionOptions limits, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        _limits = limits;
        _timeProvider = timeProvider;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _start = _quietSince = timeProvider.GetTimestamp();
        _timer = timeProvider.CreateTimer(
            static watch => ((SilenceWatch)watch!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        SleepOrExpire();
    }

    /// <summary>Cancelled by the caller, or by the watch.</summary>
    public CancellationToken Token => _cancellation.Token;

    public bool HasExpired => _hasExpired;

    public bool IsReplyFinished => _isFinished;

    private TimeSpan Limit => _isFinished ? AfterFinish : _hasContent ? _limits.IdleTimeout : _limits.FirstContentTimeout;

    /// <summary>The caller has a piece of content: its time is not the model's.</summary>
    public void Pause() => Volatile.Write(ref _quietSince, Paused);

    /// <summary>The caller wants the next piece.</summary>
    public void Resume()
    {
        Volatile.Write(ref _quietSince, _timeProvider.GetTimestamp());
        if (_hasContent)
            return;
        _hasContent = true;
        SleepOrExpire();
    }

    /// <summary>The model has said that its reply is complete.</summary>
    public void ReplyFinished()
    {
        _isFinished = true;
        Volatile.Write(ref _quietSince, _timeProvider.GetTimestamp());
        SleepOrExpire();
    }

    public void Dispose()
    {
        _timer.Dispose();
        _cancellation.Dispose();
    }

    private void Look()
    {
        try
        {
            SleepOrExpire();
        }
        catch (ObjectDisposedException)
        {
            // The reply ended while the timer was on its way.
        }
    }

    private void SleepOrExpire()
    {
        var now = _timeProvider.GetTimestamp();
        var quietSince = Volatile.Read(ref _quietSince);
        var quiet = quietSince == Paused ? TimeSpan.Zero : _timeProvider.GetElapsedTime(quietSince, now);
        var left = Min(Limit - quiet, _limits.TotalTimeout - _timeProvider.GetElapsedTime(_start, now));
        if (left > TimeSpan.Zero)
        {
            // Timers count whole milliseconds: a fraction would come back at once.
            _timer.Change(left + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
            return;
        }

        _hasExpired = true;
        _cancellation.Cancel();
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
