namespace ChatApi.Application.Limits;

/// <summary>What a reply in the making takes of its user's limits until it ends.</summary>
/// <param name="userId">The user.</param>
/// <param name="giveBack">Gives it back.</param>
public sealed class Hold(Guid userId, Action<Hold, int> giveBack)
{
    private bool _isReleased;

    /// <summary>UUID version 7.</summary>
    public Guid Id { get; } = Guid.CreateVersion7();

    /// <summary>The user.</summary>
    public Guid UserId { get; } = userId;

    /// <summary>Whether it takes a place among the user's replies in the making.</summary>
    public bool HasPlace { get; internal set; }

    /// <summary>The tokens that are kept for it; 0 for none.</summary>
    public int Tokens { get; internal set; }

    /// <summary>The day, UTC, of whose tokens they are.</summary>
    public DateOnly Day { get; internal set; }

    /// <summary>Whether it was given back.</summary>
    public bool IsReleased => Volatile.Read(ref _isReleased);

    /// <summary>Gives it back; the first time counts.</summary>
    /// <param name="used">The tokens that the reply did cost; 0 or more.</param>
    public void Release(int used)
    {
        if (!Interlocked.Exchange(ref _isReleased, true))
            giveBack(this, used);
    }
}
