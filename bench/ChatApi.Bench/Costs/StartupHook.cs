using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime;

/// <summary>
/// Runs inside of each measured server, by <c>DOTNET_STARTUP_HOOKS</c>: tells what its runtime has counted, when it is asked.
/// Sleeps in a read otherwise. On files, not on sockets: those are the measured program's, which may still set them up.
/// </summary>
internal static class StartupHook
{
    /// <summary>The directory with the two pipes.</summary>
    public const string DirectoryVariable = "CHATAPI_BENCH_PROBE";

    public const string Questions = "questions";
    public const string Answers = "answers";

    private static MeterListener? _listener;
    private static long _commands;

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { } directory)
            new Thread(() => Answer(directory)) { IsBackground = true, Name = "bench" }.Start();
    }

    private static void Answer(string directory)
    {
        using var questions = new StreamReader(Open(Path.Combine(directory, Questions), FileAccess.Read));
        using var answers = new StreamWriter(Open(Path.Combine(directory, Answers), FileAccess.Write)) { AutoFlush = true };
        while (questions.ReadLine() is { } question)
        {
            CountCommands(question == "count");
            answers.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{GC.GetTotalAllocatedBytes(precise: true)} {GC.CollectionCount(0)} {GC.CollectionCount(1)} {GC.CollectionCount(2)} {JitInfo.GetCompiledMethodCount()} {Interlocked.Read(ref _commands)}"));
        }
    }

    /// <summary>Npgsql measures each round trip, if somebody listens. That costs a little: so only while it is wanted.</summary>
    private static void CountCommands(bool isWanted)
    {
        if (isWanted == _listener is not null)
            return;
        _listener?.Dispose();
        _listener = null;
        if (!isWanted)
            return;
        _listener = new()
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument is { Meter.Name: "Npgsql", Name: "db.client.operation.duration" })
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        _listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref _commands));
        _listener.Start();
    }

    private static FileStream Open(string path, FileAccess access) => new(path, FileMode.Open, access, FileShare.ReadWrite, bufferSize: 0);
}
