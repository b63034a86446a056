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
    /// <param name="messages">How many of its latest messages are wanted; those without text do not count.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null if there is none of this user's.</returns>
    Task<Conversation?> ReadAsync(Guid userId, Guid sessionId, int messages, CancellationToken cancellationToken);

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
    /// <param name="isKept">Whether there is a reply; if not, its place is removed.</param>
    /// <exception cref="DbUpdateConcurrencyException">Somebody else has ended or deleted it.</exception>
    Task EndAsync(Run run, ChatMessage reply, bool isKept);
}

/// <summary>A conversation as its next question finds it.</summary>
/// <param name="LastPosition">The highest position of a message so far; 0 for none.</param>
/// <param name="History">The latest messages, oldest first.</param>
public sealed record Conversation(int LastPosition, IReadOnlyList<Utterance> History);

/// <summary>What is stored at the start of a turn.</summary>
/// <param name="NewSession">The conversation, if it begins with this turn.</param>
/// <param name="Question">The question, at the position after the last.</param>
/// <param name="Reply">The reply, still empty, at the position after the question.</param>
/// <param name="Run">The run.</param>
public sealed record NewTurn(ChatSession? NewSession, ChatMessage Question, ChatMessage Reply, Run Run);
