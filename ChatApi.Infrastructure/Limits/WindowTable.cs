using ChatApi.Application.Limits;

namespace ChatApi.Infrastructure.Limits;

/// <summary>
/// Counts by policy and key, for a window from the first time on, in a table that never grows. A key belongs into one row; where that is
/// full, whoever has the least to lose makes room. Not for several threads at a time.
/// </summary>
internal sealed class WindowTable
{
    private const int Rows = 8192;
    private const int Columns = 8;

    private readonly Cell[] _cells = new Cell[Rows * Columns];

    /// <summary>How a meter's counter stands.</summary>
    /// <param name="meter">Gets it.</param>
    /// <param name="now">Milliseconds of a clock that only goes forward.</param>
    public void Look(Meter meter, long now)
    {
        foreach (ref readonly var cell in RowOf(meter))
        {
            if (!cell.Is(meter, now))
                continue;
            (meter.Used, meter.Rest) = (cell.Count, TimeSpan.FromMilliseconds(cell.End - now));
            return;
        }

        (meter.Used, meter.Rest) = (0, Policy.Window);
    }

    /// <summary>Counts what the meter asks for.</summary>
    public void Count(Meter meter, long now)
    {
        var row = RowOf(meter);
        ref var least = ref row[0];
        foreach (ref var cell in row)
        {
            if (cell.Is(meter, now))
            {
                cell.Count += meter.Cost;
                return;
            }

            if (cell.Worth(now) < least.Worth(now))
                least = ref cell;
        }

        least = new() { Policy = meter.Policy, Who = meter.Who, Count = meter.Cost, End = now + (long)Policy.Window.TotalMilliseconds };
    }

    private Span<Cell> RowOf(Meter meter)
    {
        Span<byte> key = stackalloc byte[16];
        meter.Who.TryWriteBytes(key);

        // With a seed of this process's: nobody can choose whom to share a row with.
        var hash = new HashCode();
        hash.AddBytes(key);
        return _cells.AsSpan((int)((uint)hash.ToHashCode() % Rows) * Columns, Columns);
    }

    private struct Cell
    {
        public Policy? Policy;
        public Guid Who;
        public int Count;
        public long End;

        public readonly bool Is(Meter meter, long now) => Who == meter.Who && ReferenceEquals(Policy, meter.Policy) && End > now;

        /// <summary>How much is lost where it is forgotten: nothing of what is over.</summary>
        public readonly double Worth(long now) => End > now ? (double)Count / Policy!.Limit : -1;
    }
}
