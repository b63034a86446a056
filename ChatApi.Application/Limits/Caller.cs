using System.Net;

namespace ChatApi.Application.Limits;

/// <summary>Whoever makes a request, and how their limits stand.</summary>
/// <param name="userId">The user; null where nobody is signed in.</param>
/// <param name="address">The network address; null where it is not known.</param>
public sealed class Caller(Guid? userId, IPAddress? address)
{
    /// <summary>The user.</summary>
    /// <exception cref="InvalidOperationException">Nobody is signed in.</exception>
    public Guid UserId => userId ?? throw new InvalidOperationException("A request without a user was let in.");

    /// <summary>Whether somebody is signed in.</summary>
    public bool IsSignedIn => userId is not null;

    /// <summary>The address, as it is counted.</summary>
    internal Guid Address => Partition.Of(address);

    /// <summary>Whether the request comes from this machine: from a proxy, which speaks for many.</summary>
    internal bool IsLocal => address is null || IPAddress.IsLoopback(address);

    /// <summary>Whether the request was counted, or is a repetition, which is free.</summary>
    public bool IsCounted { get; internal set; }

    /// <summary>What was counted, and what is left.</summary>
    public IReadOnlyList<Meter> Meters { get; private set; } = [];

    /// <summary>Notes how limits stand of which something was asked for.</summary>
    internal void Note(IReadOnlyList<Meter> meters)
    {
        if (Meters.Count == 0 && meters.All(static meter => meter.Cost > 0))
            Meters = meters;
        else
            Meters = [.. Meters, .. meters.Where(meter => meter.Cost > 0)];
    }
}
