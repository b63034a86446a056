namespace ChatApi.Application;

/// <summary>Which part of a list is wanted.</summary>
/// <param name="Limit">How many at most, 1 to 200.</param>
/// <param name="After">Where the page before ended, in the list's own words; null for the first page.</param>
public sealed record PageRequest(int Limit, string? After);

/// <summary>A part of a list.</summary>
/// <param name="Items">In the list's order.</param>
/// <param name="Next">What to ask for the next page with; null if this is the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next)
{
    /// <summary>Makes a page of rows of which one more than wanted was asked for, to see whether there are more.</summary>
    internal static Page<T> From<TRow>(List<TRow> rows, PageRequest request, Func<TRow, T> item, Func<TRow, string> key)
    {
        var hasMore = rows.Count > request.Limit;
        if (hasMore)
            rows.RemoveRange(request.Limit, rows.Count - request.Limit);
        return new(rows.ConvertAll(row => item(row)), hasMore ? key(rows[^1]) : null);
    }
}
