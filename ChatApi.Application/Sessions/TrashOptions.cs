using ChatApi.Application.Configuration;

namespace ChatApi.Application.Sessions;

/// <summary>What becomes of what is deleted.</summary>
/// <param name="Days">How long a deleted conversation can be restored (<c>CHAT_TRASH_DAYS</c>); 0: it is gone at once.</param>
public sealed record TrashOptions(int Days)
{
    /// <exception cref="ConfigurationException">The value is out of its range.</exception>
    public static TrashOptions Read(Settings settings) => new(settings.Integer("CHAT_TRASH_DAYS", 30, 0, 3650));

    /// <summary>What was deleted at this time or before is gone for its owner, although it may not have been purged yet.</summary>
    internal DateTime Horizon(TimeProvider time) => time.Now().AddDays(-Days);
}
