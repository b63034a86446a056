using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace ChatApi.Web.Hosting;

/// <summary>
/// The log on standard output, in the framework's formats. The framework's own wakes a thread and makes a system call for each line, which
/// took a seventh of a turn's CPU (docs/performance.md); here the lines of 50 ms are written together, those from Error on at once. When nobody
/// takes them, some are lost, and it is said how many.
/// </summary>
[ProviderAlias("Console")]
internal sealed partial class ConsoleLog : ILoggerProvider, ISupportExternalScope
{
    /// <summary>Characters that are kept for an output that takes none.</summary>
    internal const int MostWaiting = 4 * 1024 * 1024;

    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(2);

    private readonly ConsoleFormatter _formatter;
    private readonly Stream _output;
    private readonly TimeSpan _pause;
    private readonly Thread _writing;
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _isUrgent = new(false, spinCount: 0);
    private readonly AutoResetEvent _isThere = new(false);
    private IExternalScopeProvider? _scopes;
    private StringBuilder _lines = new();
    private int _lost;
    private volatile bool _isOver;

    /// <param name="options">Which of the formats.</param>
    /// <param name="formatters">The framework's.</param>
    public ConsoleLog(IOptions<ConsoleLoggerOptions> options, IEnumerable<ConsoleFormatter> formatters)
        : this(formatters.Single(formatter => formatter.Name == options.Value.FormatterName), Console.OpenStandardOutput(), TimeSpan.FromMilliseconds(50))
    {
    }

    /// <param name="formatter">How a line looks.</param>
    /// <param name="output">Where they go.</param>
    /// <param name="pause">For how long lines are gathered.</param>
    internal ConsoleLog(ConsoleFormatter formatter, Stream output, TimeSpan pause)
    {
        (_formatter, _output, _pause) = (formatter, output, pause);
        _writing = new Thread(Write) { IsBackground = true, Name = "Log" };
        _writing.Start();
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    /// <summary>Writes what there is.</summary>
    public void Dispose()
    {
        _isOver = true;
        _isUrgent.Set();
        _isThere.Set();
        _writing.Join(LongestEnd);
    }

    private void Add(StringBuilder line, bool isUrgent)
    {
        bool isFirst;
        lock (_lock)
        {
            if (_lines.Length + line.Length > MostWaiting)
            {
                _lost++;
                return;
            }

            isFirst = _lines.Length == 0;
            _lines.Append(line);
        }

        if (isUrgent)
            _isUrgent.Set();
        if (isFirst)
            _isThere.Set();
    }

    private void Write()
    {
        var writing = new StringBuilder();
        using var writer = new StreamWriter(_output, new UTF8Encoding(false));
        while (true)
        {
            _isThere.WaitOne();
            _isUrgent.Wait(_pause);
            _isUrgent.Reset();
            int lost;
            lock (_lock)
            {
                (_lines, writing) = (writing, _lines);
                (lost, _lost) = (_lost, 0);
            }

            try
            {
                writer.Write(writing);
                writer.Flush();
            }
            catch (IOException)
            {
                // Whoever read the output is gone.
            }

            writing.Clear();
            if (lost > 0)
                LogLost(CreateLogger(typeof(ConsoleLog).FullName!), lost);
            if (_isOver)
                return;
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Lines} lines of the log were lost: nobody took them in time")]
    private static partial void LogLost(ILogger logger, int lines);

    private sealed class Logger(ConsoleLog log, string category) : ILogger
    {
        private const int MostKept = 4096;

        [ThreadStatic]
        private static StringWriter? _line;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => log._scopes?.Push(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var writer = _line ??= new();
            var line = writer.GetStringBuilder().Clear();
            log._formatter.Write(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter), log._scopes, writer);
            log.Add(line, logLevel >= LogLevel.Error);
            if (line.Capacity > MostKept)
                _line = null;
        }
    }
}
