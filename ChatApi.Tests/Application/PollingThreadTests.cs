using ChatApi.Application;
using NUnit.Framework;

namespace ChatApi.Tests.Application;

/// <summary>Threads that poll sockets are left; here, one that is not the pool's stands for them.</summary>
public sealed class PollingThreadTests
{
    [Test]
    public async Task Whoever_leaves_goes_on_on_the_pool()
    {
        var begun = new TaskCompletionSource<Task<bool>>();
        new Thread(() => begun.SetResult(LeaveAsync())).Start();

        Assert.That(await await begun.Task, Is.True);
    }

    private static async Task<bool> LeaveAsync()
    {
        await PollingThread.LeaveAsync();
        return Thread.CurrentThread.IsThreadPoolThread;
    }
}
