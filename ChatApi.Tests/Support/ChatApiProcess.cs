using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace ChatApi.Tests.Support;

/// <summary>What is left of a program that has ended.</summary>
public sealed record ExitedProcess(int ExitCode, string Output, string Errors);

/// <summary>
/// ChatApi as operators run it: <c>dotnet ChatApi.Web.dll</c>, a real process on a port of its own, in a working directory
/// of its own, with no environment but what the test gives. Its end fails if it has logged what people say or sign in with.
/// </summary>
public sealed partial class ChatApiProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _child;
    private readonly TemporaryDirectory? _ownDirectory;
    private readonly SocketsHttpHandler _handler = new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
    };

    private ChatApiProcess(ChildProcess child, string workingDirectory, TemporaryDirectory? ownDirectory)
    {
        _child = child;
        WorkingDirectory = workingDirectory;
        _ownDirectory = ownDirectory;
    }

    /// <summary>The program under test: the copy beside the tests, unless <c>CHATAPI_PROGRAM</c> names another, a published one say.</summary>
    public static string ProgramPath { get; } =
        Environment.GetEnvironmentVariable("CHATAPI_PROGRAM") ?? Path.Combine(AppContext.BaseDirectory, "ChatApi.Web.dll");

    /// <summary>Where it listens, with a trailing slash.</summary>
    public Uri Address { get; private set; } = null!;

    public string WorkingDirectory { get; }

    public int Id => _child.Id;

    public bool HasExited => _child.HasExited;

    /// <summary>All it has printed so far.</summary>
    public string Output => _child.Output;

    /// <summary>Starts it and returns when <c>/health/ready</c> says 200; throws with the output if it does not come to that.</summary>
    /// <param name="environment">Added to the clean environment; null as a value removes a default of this class.</param>
    /// <param name="workingDirectory">Kept afterwards; without it, a temporary one with an empty <c>.env</c>.</param>
    public static async Task<ChatApiProcess> StartAsync(
        IReadOnlyDictionary<string, string?>? environment = null, string? workingDirectory = null)
    {
        var server = Launch(environment, workingDirectory, []);
        try
        {
            await server.WaitUntilReadyAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it without waiting for anything but the address: for starts that are to fail, hang or be killed.</summary>
    public static ChatApiProcess Launch(
        IReadOnlyDictionary<string, string?>? environment, string? workingDirectory, IEnumerable<string> arguments)
    {
        var ownDirectory = workingDirectory is null ? new TemporaryDirectory() : null;
        if (ownDirectory is not null)
            File.WriteAllText(ownDirectory.File(".env"), "");
        var directory = workingDirectory ?? ownDirectory!.Path;
        var child = ChildProcess.Start("dotnet", [ProgramPath, .. arguments], directory, WithDefaults(environment));
        return new ChatApiProcess(child, directory, ownDirectory);
    }

    /// <summary>Runs it until it ends by itself: bad configurations, and commands such as <c>migrate</c>. Throws if it serves instead.</summary>
    public static async Task<ExitedProcess> RunToExitAsync(
        IReadOnlyDictionary<string, string?>? environment = null, string? workingDirectory = null, params string[] arguments)
    {
        await using var server = Launch(environment, workingDirectory, arguments);
        await Poll.UntilAsync(() => server.HasExited || server.TryFindAddress(), "an end", StartPatience);
        if (!server.HasExited)
            throw new InvalidOperationException($"ChatApi was to end, but serves. It printed:\n{server.Output}");
        var code = await server._child.WaitForExitAsync(StartPatience);
        return new ExitedProcess(code, server._child.Output, server._child.Errors);
    }

    /// <summary>Returns when <c>/health/ready</c> says 200.</summary>
    public async Task WaitUntilReadyAsync()
    {
        Address = await AwaitAsync(() => Task.FromResult(FindAddress()), "its address");
        using var client = Client();
        await AwaitAsync(async () => await IsReadyAsync(client) ? "ready" : null, "/health/ready");
    }

    /// <summary>Whether it has said where it listens; from then on clients can be made.</summary>
    public bool TryFindAddress()
    {
        Address ??= FindAddress()!;
        return Address is not null;
    }

    /// <summary>A client of this server: no redirects, no cookies, no decompression.</summary>
    public HttpClient Client(string? token = null, Uri? through = null)
    {
        var client = new HttpClient(_handler, disposeHandler: false) { BaseAddress = through ?? Address, Timeout = TimeSpan.FromSeconds(100) };
        if (token is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>SIGTERM, and the exit code.</summary>
    public async Task<int> StopAsync(TimeSpan? patience = null)
    {
        Terminate();
        return await WaitForExitAsync(patience);
    }

    /// <summary>SIGTERM, without waiting for the end.</summary>
    public void Terminate() => _child.Signal(ProcessSignal.Terminate);

    /// <summary>SIGKILL.</summary>
    public void Kill() => _child.Signal(ProcessSignal.Kill);

    /// <summary>SIGSTOP: the process stays, and does nothing.</summary>
    public void Suspend() => _child.Signal(ProcessSignal.Stop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => _child.Signal(ProcessSignal.Continue);

    public Task<int> WaitForExitAsync(TimeSpan? patience = null) => _child.WaitForExitAsync(patience);

    public async ValueTask DisposeAsync()
    {
        await EndAsync();

        // Whatever a test is about: none of it is for a log.
        Canary.ExpectNone(Output);
    }

    /// <summary>Kills it, where its log has been looked at already.</summary>
    public async Task EndAsync()
    {
        await _child.DisposeAsync();
        _handler.Dispose();
        _ownDirectory?.Dispose();
    }

    private static Dictionary<string, string?> WithDefaults(IReadOnlyDictionary<string, string?>? environment)
    {
        var all = new Dictionary<string, string?>
        {
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["DOTNET_NOLOGO"] = "1",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            all[name] = value;
        return all;
    }

    private static async Task<bool> IsReadyAsync(HttpClient client)
    {
        try
        {
            using var answer = await client.GetAsync("/health/ready");
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private Uri? FindAddress() => ListeningLine().Match(Output) is { Success: true } line ? new Uri(line.Groups[1].Value) : null;

    private async Task<T> AwaitAsync<T>(Func<Task<T?>> probe, string what) where T : class
    {
        try
        {
            return await Poll.ForAsync(
                async () => _child.HasExited ? throw new InvalidOperationException("ChatApi ended.") : await probe(), what, StartPatience);
        }
        catch (Exception exception) when (exception is InvalidOperationException or TimeoutException)
        {
            if (_child.HasExited)
                await _child.WaitForExitAsync();
            throw new InvalidOperationException($"{exception.Message} ChatApi did not get to {what}. It printed:\n{Output}", exception);
        }
    }

    [GeneratedRegex(@"ChatApi is listening on (https?://[^\s;]+)")]
    private static partial Regex ListeningLine();
}
