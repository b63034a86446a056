using ChatApi.Application.Errors;
using ChatApi.Domain;

namespace ChatApi.Application.Runs;

/// <summary>What is told of a run, read from what is stored of it.</summary>
internal static class RunEvents
{
    /// <summary>
    /// Far more pieces than a process can have shown and not yet journalled when its run was taken from it: a viewer that saw them
    /// is still before the terminal event.
    /// </summary>
    private const int MostUnjournalled = 100_000;

    public static RunEvent.Started Started(Run run) => new(run.SessionId, run.Id, run.MessageId, run.UserMessageId);

    /// <summary>The <c>seq</c> of the terminal event of a run that has ended.</summary>
    public static int TerminalSeq(Run run) => run.Pieces + 1 + (run.Fence > 1 ? MostUnjournalled : 0);

    /// <summary>The end of a run that has ended.</summary>
    /// <param name="run">The run.</param>
    /// <param name="reply">Its reply; null if none is kept.</param>
    public static RunEvent Terminal(Run run, ChatMessage? reply)
    {
        var seq = TerminalSeq(run);
        if (run.Status is RunStatus.Completed or RunStatus.Stopped)
            return new RunEvent.Done(
                run.MessageId, reply?.Content ?? "", reply?.FinishReason ?? RunEvent.Done.Stopped, reply?.Model, reply?.Usage, seq);
        var (sentence, retryable) = RunErrors.Explain(run.ErrorCode);
        return new RunEvent.Failed(sentence, run.ErrorCode ?? ErrorCodes.UpstreamError, retryable, run.MessageId, seq);
    }

    /// <summary>The end of a run whose reply could not be stored.</summary>
    public static RunEvent Unstored(Run run) => Lost(run, ErrorCodes.Interrupted);

    /// <summary>The end of a run that was deleted with its conversation.</summary>
    public static RunEvent Deleted(Run run) => Lost(run, ErrorCodes.NotFound);

    private static RunEvent.Failed Lost(Run run, string code)
    {
        var (sentence, retryable) = RunErrors.Explain(code);
        return new RunEvent.Failed(sentence, code, retryable, run.MessageId, run.Pieces + 1 + MostUnjournalled);
    }

    /// <summary>All that is told of a run that has ended, after the first <paramref name="after"/> pieces.</summary>
    public static IEnumerable<RunEvent> Replay(Run run, ChatMessage? reply, int after)
    {
        if (reply is not null && after < run.Pieces)
            yield return new RunEvent.Content(reply.Content[PieceLengths.Offset(run.PieceLengths, after)..], run.Pieces);
        yield return Terminal(run, reply);
    }
}
