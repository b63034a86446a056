namespace ChatApi.Application;

/// <summary>
/// The program reads and writes sockets on the threads that poll them (Program.cs says why). Whoever goes on there holds up every
/// other stream: what takes longer than relaying a piece leaves first.
/// </summary>
public static class PollingThread
{
    /// <summary>Goes on on the thread pool; at once, if it is there already.</summary>
    public static Task LeaveAsync() => Thread.CurrentThread.IsThreadPoolThread ? Task.CompletedTask : Task.Run(static () => { });
}
