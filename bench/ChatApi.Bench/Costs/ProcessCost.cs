using System.Globalization;
using System.Runtime.InteropServices;

namespace ChatApi.Bench.Costs;

/// <summary>What the kernel says about a process.</summary>
internal static class ProcessCost
{
    /// <summary>
    /// User and system time of all its threads, the ended ones too, in seconds. By the process's own clock, which has
    /// nanoseconds: <c>/proc/…/stat</c> counts the same in hundredths of a second.
    /// </summary>
    public static double CpuSeconds(int process)
    {
        // As clock_getcpuclockid makes it: the id, complemented, and CPUCLOCK_SCHED.
        if (GetTime((~process << 3) | 2, out var time) != 0)
            throw new InvalidOperationException($"Process {process} has no clock: {Marshal.GetLastPInvokeErrorMessage()}");
        return time.Seconds + (time.Nanoseconds / 1e9);
    }

    /// <summary>Resident memory now, in KB.</summary>
    public static long ResidentKilobytes(int process) => Status(process, "VmRSS:");

    /// <summary>The most resident memory since <see cref="ResetPeak"/>, in KB.</summary>
    public static long PeakKilobytes(int process) => Status(process, "VmHWM:");

    /// <summary>Starts the peak anew.</summary>
    public static void ResetPeak(int process) => File.WriteAllText($"/proc/{process}/clear_refs", "5");

    /// <summary>How many files and connections it has open.</summary>
    public static int OpenFiles(int process) => Directory.GetFileSystemEntries($"/proc/{process}/fd").Length;

    private static long Status(int process, string name)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    [DllImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static extern int GetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
