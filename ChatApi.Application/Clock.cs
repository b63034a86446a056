namespace ChatApi.Application;

/// <summary>Times as both databases keep them.</summary>
internal static class Clock
{
    /// <summary>Now, UTC, cut to whole microseconds: PostgreSQL keeps no more, and a time must read back as it was written.</summary>
    public static DateTime Now(this TimeProvider time)
    {
        var ticks = time.GetUtcNow().UtcTicks;
        return new DateTime(ticks - ticks % TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);
    }
}
