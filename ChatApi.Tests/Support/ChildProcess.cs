using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace ChatApi.Tests.Support;

/// <summary>A signal by its Linux number.</summary>
public enum ProcessSignal
{
    Interrupt = 2,
    Quit = 3,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

/// <summary>
/// A real process with an environment of its own (nothing but what it needs to run is inherited), whose output is collected
/// and which dies, by its own id, when it is disposed of.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private static readonly string[] Inherited = ["PATH", "LANG", "DOTNET_ROOT", "NUGET_PACKAGES", "TMPDIR"];
    private static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(40);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private bool _isDisposed;

    private ChildProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Collect(line.Data, isError: false);
        process.ErrorDataReceived += (_, line) => Collect(line.Data, isError: true);
    }

    public int Id { get; private set; }

    public bool HasExited => _isDisposed || _process.HasExited;

    /// <summary>Standard output and standard error so far, line by line as they came.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Standard error alone.</summary>
    public string Errors
    {
        get
        {
            lock (_output)
                return _errors.ToString();
        }
    }

    public static ChildProcess Start(
        string program, IEnumerable<string> arguments, string workingDirectory, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment.Clear();
        foreach (var name in Inherited)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                start.Environment[name] = value;
        }

        start.Environment["HOME"] = workingDirectory;
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;

        var child = new ChildProcess(new Process { StartInfo = start });
        child._process.Start();
        child.Id = child._process.Id;
        child._process.StandardInput.Close();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Runs a program to its end; throws with its output if it fails.</summary>
    public static async Task RunAsync(string program, IEnumerable<string> arguments, string workingDirectory)
    {
        await using var child = Start(program, arguments, workingDirectory);
        if (await child.WaitForExitAsync() is var code and not 0)
            throw new InvalidOperationException($"{program} ended with {code}:\n{child.Output}");
    }

    public void Signal(ProcessSignal signal)
    {
        if (!HasExited)
            _ = SendSignal(_process.Id, (int)signal);
    }

    /// <summary>Waits for the end, and for the last of the output; kills it if the end does not come.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan? patience = null)
    {
        using var bound = new CancellationTokenSource(patience ?? ExitPatience);
        try
        {
            await _process.WaitForExitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            Signal(ProcessSignal.Kill);
            throw new TimeoutException($"Process {Id} did not end within {(patience ?? ExitPatience).TotalSeconds} s:\n{Output}");
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        Signal(ProcessSignal.Kill);
        await WaitForExitAsync();
        _isDisposed = true;
        _process.Dispose();
    }

    private void Collect(string? line, bool isError)
    {
        if (line is null)
            return;
        lock (_output)
        {
            _output.Append(line).Append('\n');
            if (isError)
                _errors.Append(line).Append('\n');
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int process, int signal);
}
