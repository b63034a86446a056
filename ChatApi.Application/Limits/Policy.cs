namespace ChatApi.Application.Limits;

/// <summary>What a limit counts.</summary>
public enum PolicyKind
{
    /// <summary>How often something is done. A minute begins with the first time, and all is forgotten at its end.</summary>
    Window,

    /// <summary>How much goes on at the same time.</summary>
    Places,

    /// <summary>Tokens of a day, UTC: what was used, and what replies in the making may still cost.</summary>
    Tokens,
}

/// <summary>One limit.</summary>
/// <param name="Name">As clients see it in <c>RateLimit</c>, and as its counters are named.</param>
/// <param name="Kind">What it counts.</param>
/// <param name="Limit">How much is allowed; 1 or more.</param>
/// <param name="Refusal">The sentence for whom it refuses.</param>
public sealed record Policy(string Name, PolicyKind Kind, int Limit, string Refusal)
{
    /// <summary>How long a <see cref="PolicyKind.Window"/> is.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
}

/// <summary>One counter of a policy, and how it stands.</summary>
/// <param name="policy">The limit.</param>
/// <param name="who">Whose counter.</param>
/// <param name="cost">What is asked for; 0 only looks.</param>
public sealed class Meter(Policy policy, Guid who, int cost)
{
    /// <summary>The limit.</summary>
    public Policy Policy { get; } = policy;

    /// <summary>Whose counter: a user, or what <see cref="Partition"/> makes of an address or an account.</summary>
    public Guid Who { get; } = who;

    /// <summary>What is asked for; 0 only looks.</summary>
    public int Cost { get; } = cost;

    /// <summary>What is used, without what is asked for here, unless it was given.</summary>
    public long Used { get; set; }

    /// <summary>Of tokens: what replies in the making may still cost.</summary>
    public long Reserved { get; set; }

    /// <summary>How long the window or the day goes on; the whole of a window that has not begun.</summary>
    public TimeSpan Rest { get; set; }

    /// <summary>Whether what is asked for is too much.</summary>
    public bool IsFull => Cost > 0 && Used + Reserved + Cost > Policy.Limit;

    /// <summary>What may still be used.</summary>
    public long Remaining => Math.Max(0, Policy.Limit - Used - Reserved);

    /// <summary>Notes that what is asked for was given.</summary>
    public void Give()
    {
        if (Policy.Kind == PolicyKind.Tokens)
            Reserved += Cost;
        else
            Used += Cost;
    }
}
