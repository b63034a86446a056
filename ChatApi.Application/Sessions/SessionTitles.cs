using System.Diagnostics;
using System.Text;
using System.Threading.Channels;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Limits;
using ChatApi.Application.Runs;
using ChatApi.Application.Telemetry;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;

namespace ChatApi.Application.Sessions;

/// <summary>
/// Gives conversations that nobody has named a title, after a reply and never in its way. The title is made of the question first, by one
/// statement that only one of all processes gets through: whoever does asks the model, once, for a better one. A process that stops or
/// dies meanwhile leaves a title that will do. What somebody has chosen is never overwritten.
/// </summary>
public sealed partial class SessionTitles(
    IChatClient model,
    IChatDbContextFactory contexts,
    TitleOptions options,
    Models models,
    RateLimits limits,
    ITokenCounter tokens,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    ILogger<SessionTitles> logger) : IHostedService
{
    private const string Instruction =
        "Give the conversation a title: six words at most, in the language of the question. Answer with the title alone, without quotes or formatting. "
        + "Do not answer the question.";

    private const int MaxOutputTokens = 32;
    private const float Temperature = 0.2f;

    /// <summary>In UTF-16 units: an answer that is as long as that is no title.</summary>
    private const int LongestAnswer = 1000;

    private const int MostAtOnce = 16;

    /// <summary>Beyond it, a conversation keeps its title until the next reply.</summary>
    private const int MostWaiting = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PatienceAtShutdown = TimeSpan.FromSeconds(2);

    private readonly Channel<Exchange> _waiting = Channel.CreateBounded<Exchange>(MostWaiting);
    private readonly ChatClientMetadata? _about = AboutOf(model);

    /// <summary>The demo assistant would talk about itself.</summary>
    private readonly bool _asksModel = options.Source == TitleSource.Model && AboutOf(model) is not { ProviderName: "demo" };
    private Task _work = Task.CompletedTask;

    /// <summary>Takes a conversation whose reply is complete, and whose title nobody has chosen. Does not wait.</summary>
    internal void Make(Guid userId, Guid sessionId, string question, string reply)
    {
        if (options.Source != TitleSource.Off)
            _waiting.Writer.TryWrite(new(userId, sessionId, TitleText.Beginning(question), TitleText.Beginning(reply), ChatApiTelemetry.Here));
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _work = Parallel.ForEachAsync(
            _waiting.Reader.ReadAllAsync(CancellationToken.None),
            new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = CancellationToken.None },
            async (exchange, _) => await MakeAsync(exchange));
        return Task.CompletedTask;
    }

    /// <summary>All runs have ended by now, and the model is not waited for any more: what is left are a few short statements.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        await Task.WhenAny(_work, Task.Delay(PatienceAtShutdown, time, cancellationToken));
    }

    private async Task MakeAsync(Exchange exchange)
    {
        try
        {
            var title = TitleText.OfQuestion(exchange.Question);
            if (title.Length > 0 && await ReplaceAsync(exchange, SessionService.DefaultTitle, title, null)
                && _asksModel && !lifetime.ApplicationStopping.IsCancellationRequested)
                await ImproveAsync(exchange, title);
        }
#pragma warning disable CA1031 // A title is not worth more than a line in the log: the next reply may bring one.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogFailed(exception, exchange.SessionId);
        }
    }

    private async Task ImproveAsync(Exchange exchange, string title)
    {
        // To count tokens takes a while.
        await PollingThread.LeaveAsync();
        AIMessage[] prompt = [new(ChatRole.System, Instruction), new(ChatRole.User, Show(exchange))];
        var promptTokens = prompt.Sum(message => tokens.Count(message.Text));
        if (await limits.TryHoldAsync(exchange.UserId, promptTokens + MaxOutputTokens) is not { } hold)
            return;
        using var activity = RunTelemetry.StartTitle(exchange.Trace, exchange.SessionId);
        var usage = (TokenUsage?)null;
        try
        {
            var asked = time.Now();
            var answer = await AskAsync(exchange.SessionId, prompt);
            await PollingThread.LeaveAsync();
            usage = answer.Usage(tokens, promptTokens);
            var better = answer.IsComplete ? TitleText.OfAnswer(answer.Text.ToString()) : "";
            if (better.Length == 0)
                LogNotGiven(exchange.SessionId, answer.Failure ?? "what it said is none");
            if (usage is not null || better.Length > 0)
                await ReplaceAsync(exchange, title, better.Length > 0 ? better : title, Count(exchange.UserId, asked, answer.Model, usage));
        }
        finally
        {
            if (usage is not null)
                RunTelemetry.NoteTokens(usage);
            hold.Release(usage?.TotalTokens ?? 0);
        }
    }

    private async Task<Answer> AskAsync(Guid sessionId, AIMessage[] prompt)
    {
        var answer = new Answer();
        using var patience = new CancellationTokenSource(Patience, time);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, lifetime.ApplicationStopping);
        var chatOptions = new ChatOptions { ModelId = options.Model, Temperature = Temperature, MaxOutputTokens = MaxOutputTokens };
        using var call = ModelCall.Start(sessionId, _about, chatOptions, answer.End, time);
        try
        {
            await foreach (var update in model.GetStreamingResponseAsync(prompt, chatOptions, cancellation.Token))
            {
                answer.Add(update);
                if (answer.Text.Length > 0)
                    call?.NoteText();
                if (answer.IsTooLong)
                    break;
            }
        }
#pragma warning disable CA1031 // A model client that a team plugs in may throw anything; there is a title without it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            answer.Failure = exception is ChatApiException known ? known.Code : exception.GetType().Name;
        }

        return answer;
    }

    /// <summary>Puts a title in the place of another, unless somebody has chosen one, and counts what it did cost in any case.</summary>
    private async Task<bool> ReplaceAsync(Exchange exchange, string before, string title, DailyUsage? usage)
    {
        await using var db = contexts.Create();
        var isReplaced = false;
        await db.InTransactionAsync(
            async () =>
            {
                isReplaced = await db.Sessions
                    .Where(session => session.Id == exchange.SessionId && session.UserId == exchange.UserId)
                    .Where(session => !session.IsTitleChosen && session.Title == before)
                    .ExecuteUpdateAsync(
                        set => set.SetProperty(session => session.Title, title).SetProperty(session => session.UpdatedAt, time.Now()),
                        CancellationToken.None) == 1;
                if (usage is not null)
                    await db.AddUsageAsync(usage, CancellationToken.None);
            },
            CancellationToken.None);
        return isReplaced;
    }

    /// <summary>A title is no reply.</summary>
    private DailyUsage? Count(Guid userId, DateTime asked, string? named, TokenUsage? usage)
    {
        if (usage is null)
            return null;
        var counted = DailyUsage.Of(userId, asked, named ?? options.Model ?? models.Default, usage);
        counted.Replies = 0;
        return counted;
    }

    private static string Show(Exchange exchange) =>
        $"<question>\n{exchange.Question}\n</question>\n<reply>\n{exchange.Reply}\n</reply>";

    private static ChatClientMetadata? AboutOf(IChatClient model) => model.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata;

    /// <summary>What a title is made of: beginnings, because many may wait. The trace is the run's.</summary>
    private sealed record Exchange(Guid UserId, Guid SessionId, string Question, string Reply, ActivityContext Trace);

    /// <summary>What the model has said so far.</summary>
    private sealed class Answer
    {
        /// <summary>As long as the ledger takes it.</summary>
        private const int LongestModel = 200;

        private UsageDetails? _counted;
        private ChatFinishReason? _finish;

        public StringBuilder Text { get; } = new();

        public string? Model { get; private set; }

        /// <summary>What went wrong; null if nothing did.</summary>
        public string? Failure { get; set; }

        public bool IsTooLong => Text.Length > LongestAnswer;

        /// <summary>Whether the model had said all that it wanted to: what was cut off is no title.</summary>
        public bool IsComplete => Failure is null && !IsTooLong && _finish is { } reason && reason != ChatFinishReason.Length && reason != ChatFinishReason.ContentFilter;

        public void Add(ChatResponseUpdate update)
        {
            Model = ProviderText.Cut(update.ModelId, LongestModel) ?? Model;
            Text.Append(update.Text);
            _finish = update.FinishReason ?? _finish;
            foreach (var usage in update.Contents.OfType<UsageContent>())
                (_counted ??= new()).Add(usage.Details);
        }

        public ModelCallEnd End() => new(Failure, Model, _finish?.Value, _counted);

        /// <summary>What it did cost, as the model says or as can be told; null for nothing: it was refused.</summary>
        public TokenUsage? Usage(ITokenCounter tokens, int promptTokens) => _counted is { InputTokenCount: { } input, OutputTokenCount: { } output }
            ? new((int)input, (int)output, false)
            : Text.Length == 0 ? null : new(promptTokens, tokens.Count(Text.ToString()), true);
    }

    [LoggerMessage(LogLevel.Information, "The title of session {SessionId} is made from its question: the model did not give one ({Reason})")]
    private partial void LogNotGiven(Guid sessionId, string reason);

    [LoggerMessage(LogLevel.Warning, "Session {SessionId} got no title")]
    private partial void LogFailed(Exception exception, Guid sessionId);
}
