using ChatApi.Bench.Upstream;

namespace ChatApi.Bench.Load;

/// <summary>Checks the body of one reply while it comes, every byte of it. What is wrong is thrown.</summary>
internal abstract class ReplyCheck(ReplyScript script, uint seed)
{
    protected ReplyScript Script { get; } = script;

    protected uint Seed { get; } = seed;

    /// <summary>The first piece is there.</summary>
    public abstract bool HasFirstPiece { get; }

    /// <summary>The last piece is there; the end may not be.</summary>
    public abstract bool HasLastPiece { get; }

    /// <summary>Takes what has come, and returns how much of it is done with: the rest comes again, with more behind it.</summary>
    /// <exception cref="WrongReplyException">It is not what it has to be.</exception>
    public abstract int Feed(ReadOnlySpan<byte> body);

    /// <summary>The body has ended.</summary>
    /// <exception cref="WrongReplyException">Too early.</exception>
    public abstract void End();
}

/// <summary>A reply that is not what the model said.</summary>
internal sealed class WrongReplyException(string message) : Exception(message);
