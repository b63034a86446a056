using System.Runtime.CompilerServices;

namespace ChatApi.Application;

/// <summary>
/// The program reads and writes sockets on the threads that poll them (Program.cs says why). Whoever goes on there holds up every
/// other stream: what takes longer than relaying a piece leaves first.
/// <para>A statement that is cancelled holds one up, too: Npgsql asks the server by a connection of its own, and blocks until it has. Should the
/// statement end meanwhile, the thread that reads this waits for that one, which may wait for what only this thread polls: for 15 s or more. So none is
/// cancelled: a process that stops waits for the one that is under way, and that of a client that has left is finished.</para>
/// </summary>
public static class PollingThread
{
    /// <summary>Goes on on the thread pool; at once, if it is there already.</summary>
    /// <returns>To be awaited at once. It yields in any case: a task of the pool's may be over before it is looked at, and nobody would have left.</returns>
    public static ConfiguredTaskAwaitable LeaveAsync() => Task.CompletedTask.ConfigureAwait(
        Thread.CurrentThread.IsThreadPoolThread ? ConfigureAwaitOptions.None : ConfigureAwaitOptions.ForceYielding);
}
