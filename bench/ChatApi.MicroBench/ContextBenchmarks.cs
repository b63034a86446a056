using BenchmarkDotNet.Attributes;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using ChatApi.Infrastructure.Completions;

namespace ChatApi.MicroBench;

/// <summary>Building what the model is shown from ten messages: where all fits, and where tokens have to be counted.</summary>
[MemoryDiagnoser]
public class ContextBenchmarks
{
    private const string Question = "What happened then?";

    private readonly TiktokenCounter _counter = new();
    private readonly TurnOptions _options = new("You are a helpful assistant. Answer in the language of the question.", 0.7, 2000, 10, 16_000);
    private readonly List<Utterance> _short = History("Something was said, and it was neither short nor long.");
    private readonly List<Utterance> _long = History(string.Concat(Enumerable.Repeat("Something was said, and it was neither short nor long. ", 40)));

    /// <summary>The vocabulary is loaded when somebody counts first.</summary>
    [GlobalSetup]
    public void SetUp() => _counter.Count(Question);

    /// <summary>Nearly always: nothing is counted.</summary>
    /// <exception cref="InvalidOperationException">Something was left out.</exception>
    [Benchmark]
    public int AllFits() => ContextWindow.Build(_options, _short, Question, _counter) is { Messages.Count: 12 } context
        ? context.Messages.Count
        : throw new InvalidOperationException("The context is not whole.");

    /// <summary>22 KB of history in 16,000 tokens: more bytes than that, so they are counted.</summary>
    /// <exception cref="InvalidOperationException">Something was left out.</exception>
    [Benchmark]
    public int MustBeCounted() => ContextWindow.Build(_options, _long, Question, _counter) is { Messages.Count: 12 } context
        ? context.Messages.Count
        : throw new InvalidOperationException("The context is not whole.");

    private static List<Utterance> History(string text) =>
        [.. Enumerable.Range(0, 10).Select(n => new Utterance(Guid.NewGuid(), n % 2 == 0 ? MessageRole.User : MessageRole.Assistant, text))];
}
