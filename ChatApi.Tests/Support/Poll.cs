using System.Diagnostics;

namespace ChatApi.Tests.Support;

/// <summary>Waits for a condition, with a bound; never for a time.</summary>
public static class Poll
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Returns the first answer that is not null.</summary>
    /// <param name="probe">Asks once; null means not yet.</param>
    /// <param name="what">Named when it did not come in time.</param>
    /// <param name="patience">30 s unless told otherwise.</param>
    public static async Task<T> ForAsync<T>(Func<Task<T?>> probe, string what, TimeSpan? patience = null) where T : class
    {
        var watch = Stopwatch.StartNew();
        var pause = TimeSpan.FromMilliseconds(10);
        while (true)
        {
            if (await probe() is { } answer)
                return answer;
            if (watch.Elapsed > (patience ?? Patience))
                throw new TimeoutException($"{what} did not happen within {(patience ?? Patience).TotalSeconds} s.");
            await Task.Delay(pause);
            pause = TimeSpan.FromMilliseconds(Math.Min(100, pause.TotalMilliseconds * 1.5));
        }
    }

    /// <summary>Returns when the condition holds.</summary>
    public static Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan? patience = null) =>
        ForAsync(async () => await condition() ? what : null, what, patience);

    /// <summary>Returns when the condition holds.</summary>
    public static Task UntilAsync(Func<bool> condition, string what, TimeSpan? patience = null) =>
        UntilAsync(() => Task.FromResult(condition()), what, patience);
}
