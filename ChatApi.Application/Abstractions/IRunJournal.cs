using ChatApi.Application.Runs;

namespace ChatApi.Application.Abstractions;

/// <summary>
/// Keeps what replies in the making have said so far, so that it outlives the process and can be read from others. What is
/// journalled of a run is always a beginning of its text; when the reply is stored the journal of it goes.
/// </summary>
public interface IRunJournal
{
    /// <summary>How often it is worth writing: the longest time that a piece is in one process alone.</summary>
    TimeSpan Interval { get; }

    /// <summary>Adds to the journals of several runs in one round trip.</summary>
    /// <returns>
    /// The runs whose entry is kept now. The others have ended, have been taken from this process, or their journal is not
    /// what the entry goes on from: those that go on have to be written again from the beginning.
    /// </returns>
    Task<IReadOnlySet<Guid>> AppendAsync(IReadOnlyList<JournalEntry> entries, CancellationToken cancellationToken);

    /// <summary>What comes after each cursor, in order; an entry may begin before it, and may overlap others.</summary>
    Task<IReadOnlyList<JournalEntry>> ReadAsync(IReadOnlyCollection<RunCursor> cursors, CancellationToken cancellationToken);

    /// <summary>Lets nobody with a lower fencing number add to the run's journal any more, where that can be had, and reads all of it.</summary>
    Task<SealedJournal> SealAsync(Guid runId, int fence, CancellationToken cancellationToken);

    /// <summary>Forgets runs that have ended, if there are any, and those that could not be forgotten before because a store did not answer.</summary>
    Task RemoveAsync(IReadOnlyCollection<Guid> runIds, CancellationToken cancellationToken);

    /// <summary>Forgets all that is not running: what processes left that died between the end of a run and its removal.</summary>
    Task CleanAsync(CancellationToken cancellationToken);
}

/// <summary>All that is journalled of a run.</summary>
/// <param name="Entries">In order, each from its store; they may overlap.</param>
/// <param name="IsWhole">Whether every store could be read: where one did not answer, it may have more.</param>
public sealed record SealedJournal(IReadOnlyList<JournalEntry> Entries, bool IsWhole = true);

/// <summary>Some pieces of a reply in the making.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Fence">The fencing number of who writes it.</param>
/// <param name="After">How many pieces come before these.</param>
/// <param name="Pieces">How many pieces these are, 1 or more.</param>
/// <param name="Text">Their text.</param>
/// <param name="PieceLengths">The length of each, as <see cref="Domain.Run.PieceLengths"/> has it.</param>
public sealed record JournalEntry(Guid RunId, int Fence, int After, int Pieces, string Text, byte[] PieceLengths);
