using System.Globalization;
using System.Runtime.InteropServices;

namespace ChatApi.Bench.Costs;

/// <summary>What a server's runtime has counted since its start.</summary>
/// <param name="AllocatedBytes">On the managed heap.</param>
/// <param name="Gen0">Collections of generation 0 and above.</param>
/// <param name="Gen1">Collections of generation 1 and above.</param>
/// <param name="Gen2">Whole collections.</param>
/// <param name="Methods">That were compiled, each time they were.</param>
/// <param name="Commands">Round trips to PostgreSQL, while they were counted.</param>
internal readonly record struct RuntimeCounts(long AllocatedBytes, long Gen0, long Gen1, long Gen2, long Methods, long Commands)
{
    public static RuntimeCounts operator +(RuntimeCounts one, RuntimeCounts other) => new(
        one.AllocatedBytes + other.AllocatedBytes,
        one.Gen0 + other.Gen0,
        one.Gen1 + other.Gen1,
        one.Gen2 + other.Gen2,
        one.Methods + other.Methods,
        one.Commands + other.Commands);

    public static RuntimeCounts operator -(RuntimeCounts after, RuntimeCounts before) => new(
        after.AllocatedBytes - before.AllocatedBytes,
        after.Gen0 - before.Gen0,
        after.Gen1 - before.Gen1,
        after.Gen2 - before.Gen2,
        after.Methods - before.Methods,
        after.Commands - before.Commands);
}

/// <summary>Asks the <see cref="StartupHook"/> in a server.</summary>
internal sealed class RuntimeProbe : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly StreamWriter _questions;
    private readonly StreamReader _answers;

    /// <param name="directory">Where the pipes are made, before the server is started.</param>
    public RuntimeProbe(string directory)
    {
        Environment = new()
        {
            ["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location,
            [StartupHook.DirectoryVariable] = directory,
        };
        _questions = new(Open(Path.Combine(directory, StartupHook.Questions))) { AutoFlush = true };
        _answers = new(Open(Path.Combine(directory, StartupHook.Answers)));
    }

    /// <summary>What the server has to be started with.</summary>
    public Dictionary<string, string?> Environment { get; }

    /// <param name="countCommands">Whether round trips to PostgreSQL are to be counted from now on.</param>
    public async Task<RuntimeCounts> ReadAsync(bool countCommands)
    {
        await _questions.WriteLineAsync(countCommands ? "count" : "read");
        var line = await Task.Run(_answers.ReadLine).WaitAsync(Patience);
        var numbers = line!.Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture)).ToList();
        return new(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
    }

    public void Dispose()
    {
        _questions.Dispose();
        _answers.Dispose();
    }

    /// <summary>Opened for both directions, because that waits for nobody.</summary>
    private static FileStream Open(string path)
    {
        if (MakePipe(path, 0x180) != 0)
            throw new IOException($"No pipe: {Marshal.GetLastPInvokeErrorMessage()}");
        return new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
    }

    [DllImport("libc", EntryPoint = "mkfifo", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int MakePipe([MarshalAs(UnmanagedType.LPStr)] string path, uint mode);
}
