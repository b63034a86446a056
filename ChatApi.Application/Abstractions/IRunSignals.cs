namespace ChatApi.Application.Abstractions;

/// <summary>
/// Tells other processes what they would otherwise find in the database a little later. Signals may be lost: nothing relies
/// on them but speed.
/// </summary>
public interface IRunSignals
{
    /// <summary>Somebody asks for a run to stop.</summary>
    event Action<Guid>? StopRequested;

    /// <summary>There is more to read of a run, or it has ended.</summary>
    event Action<Guid>? Advanced;

    /// <summary>Whether signals of other processes arrive here just now.</summary>
    bool AreArriving { get; }

    /// <summary>Asks whichever process makes the reply to stop.</summary>
    void RequestStop(Guid runId);

    /// <summary>Says that there is more to read of these runs, or that they have ended.</summary>
    void Advance(IReadOnlyCollection<Guid> runIds);
}
