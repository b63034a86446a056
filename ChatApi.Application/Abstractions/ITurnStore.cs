using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Abstractions;

/// <summary>
/// Reads and stores what every turn reads and stores. A port of its own, so that a database may have statements for it that cost
/// less than those that EF Core makes.
/// </summary>
public interface ITurnStore
{
    /// <summary>A conversation as its next question finds it, in one round trip.</summary>
    /// <param name="userId">Whose it must be.</param>
    /// <param name="sessionId">The conversation.</param>
    /// <param name="before">Messages from this position on are not looked at: the question is asked in their place.</param>
    /// <param name="messages">How many of the latest messages of its branch are wanted; those without text do not count.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null if there is none of this user's.</returns>
    Task<Conversation?> ReadAsync(Guid userId, Guid sessionId, int before, int messages, CancellationToken cancellationToken);

    /// <summary>
    /// A conversation as its next question finds it, and in the same round trip, where a database can, that question at its end: if nothing has
    /// to be decided in between, because the conversation has no settings and the model is to be shown all that is read.
    /// </summary>
    /// <param name="turn">What is stored. Its positions, its question's parent and its run's context are the conversation's, and not yet known.</param>
    /// <param name="messages">How many of the latest messages of its branch are wanted; those without text do not count.</param>
    /// <param name="room">For how much text there is room beside the question: bytes of UTF-8, and <see cref="Utterance.Overhead"/> for each message.</param>
    /// <returns>Null if there is no such conversation of this user's. <see cref="Conversation.IsStarted"/> says whether the turn is stored.</returns>
    /// <exception cref="UniqueViolationException">
    /// A reply is being made in the conversation, or this very turn was stored and its answer got lost.
    /// </exception>
    Task<Conversation?> ReadAndStartAsync(NewTurn turn, int messages, int room);

    /// <summary>Stores a question, the place of its reply and the run that makes it, all or nothing.</summary>
    /// <exception cref="DbUpdateConcurrencyException">The conversation has other messages by now, or is gone.</exception>
    /// <exception cref="UniqueViolationException">
    /// A reply is being made in the conversation, the key has been used, or the conversation has other messages by now. Either error also
    /// comes when this very turn was stored and its answer got lost.
    /// </exception>
    Task StartAsync(NewTurn turn);

    /// <summary>Stores the end of a run and its reply, if it is still running under its fencing number.</summary>
    /// <param name="run">The run as it ended.</param>
    /// <param name="reply">The reply as it ended.</param>
    /// <param name="isKept">Whether there is a reply; if not, its place is removed, and what was shown before it is shown again.</param>
    /// <param name="shownBefore">The end of the branch that a reply made anew has left.</param>
    /// <exception cref="DbUpdateConcurrencyException">Somebody else has ended or deleted it.</exception>
    Task EndAsync(Run run, ChatMessage reply, bool isKept, Guid? shownBefore = null);
}

/// <summary>A conversation as its next question finds it.</summary>
/// <param name="LastPosition">The highest position of a message so far; 0 for none.</param>
/// <param name="Settings">How its replies are made; null where nothing is set.</param>
/// <param name="LastId">The last message of its branch, whether it has text or not; null for none.</param>
/// <param name="History">The latest messages of its branch, oldest first.</param>
public sealed record Conversation(int LastPosition, ReplySettings? Settings, Guid? LastId, IReadOnlyList<Utterance> History)
{
    /// <summary>Whether it still has the title that all have at first.</summary>
    public bool IsUntitled { get; init; }

    /// <summary>Whether a turn was stored at its end, which is not part of this yet.</summary>
    public bool IsStarted { get; init; }
}

/// <summary>What is stored at the start of a turn.</summary>
/// <param name="NewSession">The conversation, if it begins with this turn.</param>
/// <param name="Question">The question, at the position after the last; stored already where it is answered anew.</param>
/// <param name="Reply">The reply, still empty, at the position after the question or, of a stored one, after the last.</param>
/// <param name="Run">The run.</param>
public sealed record NewTurn(ChatSession? NewSession, ChatMessage Question, ChatMessage Reply, Run Run)
{
    /// <summary>Where something is asked or answered anew: the position after which the branch is left. Null where it just goes on.</summary>
    public int? LeavesBranchAfter { get; init; }

    /// <summary>Whether only the reply is new.</summary>
    public bool IsAnswerAnew { get; init; }

    /// <summary>The highest position before this turn.</summary>
    public int LastPosition => Reply.Position - (IsAnswerAnew ? 1 : 2);

    /// <summary>Fills in where it is, of one that was stored before that was known here.</summary>
    public void Place(Conversation after, Guid[] contextMessageIds)
    {
        (Question.ParentId, Question.Position, Reply.Position) = (after.LastId, after.LastPosition + 1, after.LastPosition + 2);
        Run.ContextMessageIds = contextMessageIds;
    }

    /// <summary>The first of what is new.</summary>
    public ChatMessage First => IsAnswerAnew ? Reply : Question;
}
