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
/// <param name="place">The user's place among the replies in the making, given back at the end.</param>
/// <param name="time">Time.</param>
internal sealed class ActiveRun(
    Run run, ChatMessage question, ChatMessage reply, IReadOnlyList<AIMessage> context, IDisposable place, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private int _endAs = (int)RunStatus.Running;

    public Run Run { get; } = run;

    public ChatMessage Question { get; } = question;

    public ChatMessage Reply { get; } = reply;

    public IReadOnlyList<AIMessage> Context { get; } = context;

    public RunLog Log { get; } = new(time);

    /// <summary>How many pieces are in the journal.</summary>
    public int Journalled { get; set; }

    /// <summary>Whether the journal may have something of it.</summary>
    public bool IsInJournal { get; set; }

    /// <summary>How the run ends because somebody wanted it to end early; null if nobody did.</summary>
    public RunStatus? EndAs => (RunStatus)Volatile.Read(ref _endAs) is var status && status == RunStatus.Running ? null : status;

    /// <summary>What the model says that the reply cost; null where it does not.</summary>
    public UsageDetails? Usage { get; set; }

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

    /// <summary>Not of the token source: somebody may just be asking for a stop, and without a timer it holds nothing.</summary>
    public void Dispose() => place.Dispose();
}
