using System.Text;
using ChatApi.Tests.Support;
using ChatApi.Web.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Hosting;

/// <summary>The log's lines: all of them, in their order, whoever writes; and nobody waits for an output that takes none.</summary>
public sealed partial class ConsoleLogTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    [Test]
    public async Task Every_line_is_written_once_and_in_order()
    {
        const int Writers = 4, Lines = 2000;
        using var output = new Output();
        using (var log = new ConsoleLog(new Plain(), output, Pause))
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() =>
            {
                var logger = log.CreateLogger($"{writer}");
                for (var line = 0; line < Lines; line++)
                    Log(logger, LogLevel.Information, $"{line} ñ");
            })));

        var written = output.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        for (var writer = 0; writer < Writers; writer++)
            Assert.That(written.Where(line => line.StartsWith($"{writer}:", StringComparison.Ordinal)), Is.EqualTo(Enumerable.Range(0, Lines).Select(line => $"{writer}: {line} ñ")));
        Assert.That(written, Has.Length.EqualTo(Writers * Lines));
        Assert.That(output.Writes, Is.LessThan(Writers * Lines / 10), "Lines are written together.");
    }

    [Test]
    public async Task A_line_comes_without_another_one()
    {
        using var output = new Output();
        using var log = new ConsoleLog(new Plain(), output, Pause);
        foreach (var written in new[] { "one: first\n", "one: first\none: second\n" })
        {
            Log(log.CreateLogger("one"), LogLevel.Information, output.Text.Length == 0 ? "first" : "second");
            await Poll.UntilAsync(() => output.Text == written, written);
        }
    }

    [Test]
    public async Task Errors_and_the_end_wait_for_nothing()
    {
        using var output = new Output();
        using (var log = new ConsoleLog(new Plain(), output, TimeSpan.FromHours(1)))
        {
            var logger = log.CreateLogger("one");
            Log(logger, LogLevel.Warning, "gathered");
            Log(logger, LogLevel.Error, "urgent");
            await Poll.UntilAsync(() => output.Text == "one: gathered\none: urgent\n", "the error, and what came before it");
            Log(logger, LogLevel.Information, "last");
        }

        Assert.That(output.Text, Does.EndWith("one: last\n"));
    }

    [Test]
    public async Task Nobody_waits_for_an_output_that_takes_nothing_and_what_is_lost_is_counted()
    {
        using var output = new Output();
        using var log = new ConsoleLog(new Plain(), output, Pause);
        var logger = log.CreateLogger("one");
        output.Shut();
        Log(logger, LogLevel.Error, "stuck");
        await Poll.UntilAsync(() => output.IsWaitedFor, "an output that is waited for");

        var line = new string('x', 1024);
        const int Lines = 2 * ConsoleLog.MostWaiting / 1024;
        for (var i = 0; i < Lines; i++)
            Log(logger, LogLevel.Information, line);
        output.Open();

        await Poll.UntilAsync(() => output.Text.Contains("lines of the log were lost", StringComparison.Ordinal), "how many were lost");
        var written = output.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var lost = int.Parse(written[^1].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(written[0], Is.EqualTo("one: stuck"));
        Assert.That(lost + written.Length - 2, Is.EqualTo(Lines));
        Assert.That(lost, Is.GreaterThan(Lines / 3));
    }

    [LoggerMessage("{Text}")]
    private static partial void Log(ILogger logger, LogLevel level, string text);

    private sealed class Plain() : ConsoleFormatter("plain")
    {
        public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
        {
            textWriter.Write($"{logEntry.Category}: {logEntry.Formatter(logEntry.State, logEntry.Exception)}\n");
        }
    }

    private sealed class Output : MemoryStream
    {
        private readonly ManualResetEventSlim _isOpen = new(true);
        private readonly Lock _lock = new();
        private string _text = "";

        public int Writes { get; private set; }

        public bool IsWaitedFor { get; private set; }

        public string Text
        {
            get
            {
                lock (_lock)
                    return _text;
            }
        }

        public void Open() => _isOpen.Set();

        public void Shut() => _isOpen.Reset();

        public override void Flush()
        {
            IsWaitedFor = !_isOpen.IsSet;
            _isOpen.Wait();
            lock (_lock)
                _text = Encoding.UTF8.GetString(ToArray());
            Writes++;
        }
    }
}
