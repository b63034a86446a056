using ChatApi.Domain;

namespace ChatApi.Application.Runs;

/// <summary>What a viewer of a run is told. The first is <see cref="Started"/>, the last, once, <see cref="Done"/> or <see cref="Failed"/>.</summary>
public abstract record RunEvent
{
    private RunEvent()
    {
    }

    /// <summary>The question is stored and the reply is being made.</summary>
    public sealed record Started(Guid SessionId, Guid RunId, Guid MessageId, Guid UserMessageId) : RunEvent;

    /// <summary>More of the text.</summary>
    /// <param name="Text">What comes next; never half a character.</param>
    /// <param name="Seq">How many pieces of the reply there are with this event; the cursor to go on from.</param>
    public sealed record Content(string Text, int Seq) : RunEvent;

    /// <summary>Nothing was told for a while, and the run goes on.</summary>
    public sealed record Heartbeat : RunEvent
    {
        private Heartbeat()
        {
        }

        /// <summary>There is nothing to tell one from another.</summary>
        public static Heartbeat Instance { get; } = new();
    }

    /// <summary>The end of a reply that is stored as it should be: whole, or stopped on request.</summary>
    /// <param name="MessageId">The reply.</param>
    /// <param name="FullContent">All of the text.</param>
    /// <param name="FinishReason">The model's word, or <c>stopped</c>.</param>
    /// <param name="Model">The model, as it names itself.</param>
    /// <param name="Usage">What it cost.</param>
    /// <param name="Seq">One more than the number of pieces.</param>
    public sealed record Done(Guid MessageId, string FullContent, string FinishReason, string? Model, TokenUsage? Usage, int Seq) : RunEvent
    {
        /// <summary>The finish reason of a reply that somebody stopped.</summary>
        public const string Stopped = "stopped";
    }

    /// <summary>The end of a reply that was cut short; the text so far is stored.</summary>
    /// <param name="Error">A sentence for the user.</param>
    /// <param name="Code">One of <see cref="Errors.ErrorCodes"/>.</param>
    /// <param name="Retryable">Whether asking again may well help.</param>
    /// <param name="MessageId">The reply; it is not kept if there is no text.</param>
    /// <param name="Seq">One more than the number of pieces.</param>
    public sealed record Failed(string Error, string Code, bool Retryable, Guid MessageId, int Seq) : RunEvent;
}
