using ChatApi.Application.Abstractions;

namespace ChatApi.Infrastructure.Journal;

/// <summary>No way to other processes: they look into the database by themselves.</summary>
internal sealed class LocalRunSignals : IRunSignals
{
    public event Action<Guid>? StopRequested
    {
        add { }
        remove { }
    }

    public event Action<Guid>? Advanced
    {
        add { }
        remove { }
    }

    public bool AreArriving => false;

    public void RequestStop(Guid runId)
    {
    }

    public void Advance(IReadOnlyCollection<Guid> runIds)
    {
    }
}
