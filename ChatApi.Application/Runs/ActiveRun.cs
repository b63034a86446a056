using System.Diagnostics;
using ChatApi.Application.Limits;
using ChatApi.Application.Telemetry;
using ChatApi.Domain;
using Microsoft.Extensions.AI;
using AIMessage = Microsoft.Extensions.AI.ChatMessage;
using ChatMessage = ChatApi.Domain.ChatMessage;

namespace ChatApi.Application.Runs;

/// <summary>A run that this process executes.</summary>
/// <param name="run">As it was stored at its start.</param>
/// <param name="question">The question.</param>
/// <param name="reply">The reply, which is filled in at the end.</param>
/// <param name="context">What the model is shown.</param>
/// <param name="settings">How the model is to reply.</param>
/// <param name="hold">What it takes of its user's limits, given back at the end.</param>
/// <param name="time">Time.</param>
internal sealed class ActiveRun(
    Run run, ChatMessage question, ChatMessage reply, IReadOnlyList<AIMessage> context, ReplySettings settings, Hold hold, TimeProvider time)
    : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private int _endAs = (int)RunStatus.Running;

    public Run Run { get; } = run;

    public ChatMessage Question { get; } = question;

    public ChatMessage Reply { get; } = reply;

    public IReadOnlyList<AIMessage> Context { get; } = context;

    public ReplySettings Settings { get; } = settings;

    public RunLog Log { get; } = new(time);

    /// <summary>The trace of the request that asks for it, which ends before the run does.</summary>
    public ActivityContext Trace { get; } = ChatApiTelemetry.Here;

    /// <summary>The same run, before it begins, with what it takes of its user's limits.</summary>
    public ActiveRun With(Hold hold) => new(Run, Question, Reply, Context, Settings, hold, time) { IsUntitled = IsUntitled, ShownBefore = ShownBefore };

    /// <summary>Whether the conversation had no title of its own when the question came.</summary>
    public bool IsUntitled { get; init; }

    /// <summary>The end of the branch that a reply made anew has left: it is shown again if this one comes to nothing.</summary>
    public Guid? ShownBefore { get; init; }

    /// <summary>How many pieces are in the journal.</summary>
    public int Journalled { get; set; }

    /// <summary>Whether the journal may have something of it.</summary>
    public bool IsInJournal { get; set; }

    /// <summary>How the run ends because somebody wanted it to end early; null if nobody did.</summary>
    public RunStatus? EndAs => (RunStatus)Volatile.Read(ref _endAs) is var status && status == RunStatus.Running ? null : status;

    /// <summary>Whether there is a reply, once it has ended: one that failed before it said anything is none, and costs nothing.</summary>
    public bool IsKept => Reply.Content.Length > 0 || Run.Status is not (RunStatus.Failed or RunStatus.Interrupted);

    /// <summary>Whether its end is stored; if not, whoever stores it counts what it did cost.</summary>
    public bool IsStored { get; set; }

    /// <summary>What the model says that the reply cost; null where it does not.</summary>
    public UsageDetails? Usage { get; set; }

    /// <summary>Whether the model says it; otherwise it is estimated.</summary>
    public bool IsCounted => Usage is { InputTokenCount: not null, OutputTokenCount: not null };

    /// <summary>When it is worth asking again, as the model's provider says; null where it does not.</summary>
    public TimeSpan? RetryAfter { get; set; }

    /// <summary>Fires when the reply is to end early.</summary>
    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>Ends the reply early; the first to ask decides as what.</summary>
    public void Cancel(RunStatus endAs)
    {
        if (Interlocked.CompareExchange(ref _endAs, (int)endAs, (int)RunStatus.Running) == (int)RunStatus.Running)
            _cancellation.Cancel();
    }

    /// <summary>
    /// Gives back what it holds. The token source is left alone: somebody may just be asking for a stop, and without a timer it
    /// holds nothing.
    /// </summary>
    public void Dispose() => hold.Release(IsStored && IsKept ? Reply.Usage!.TotalTokens : 0);
}
