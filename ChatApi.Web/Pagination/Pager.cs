using ChatApi.Application;

namespace ChatApi.Web.Pagination;

/// <summary>Turns <c>?limit=&amp;cursor=</c> into a page, and a page into a bare array with a <c>Link</c> to the next.</summary>
public sealed class Pager(CursorProtector cursors)
{
    /// <summary>The length of a page where nobody says otherwise.</summary>
    public const int DefaultLimit = 50;

    /// <summary>The longest page.</summary>
    public const int MaxLimit = 200;

    /// <param name="context">The request.</param>
    /// <param name="list">Names the list and its user, so that no other list's cursor is taken.</param>
    /// <param name="limit">1 to 200.</param>
    /// <param name="cursor">From the <c>Link</c> of the page before; null for the first.</param>
    public PageRequest Request(HttpContext context, string list, int limit, string? cursor) =>
        // MVC takes an empty value for none; an empty cursor is not one of ours.
        new(limit, context.Request.Query.ContainsKey("cursor") ? cursors.Unprotect(list, cursor ?? "") : null);

    /// <summary>The items; the way to the next page goes into the header.</summary>
    /// <param name="context">The request.</param>
    /// <param name="list">Names the list, as it did before.</param>
    /// <param name="limit">1 to 200.</param>
    /// <param name="page">The page.</param>
    /// <param name="query">What else makes the list, as it stands in its address before the limit: <c>a=b&amp;</c>.</param>
    public IReadOnlyList<T> Respond<T>(HttpContext context, string list, int limit, Page<T> page, string query = "")
    {
        if (page.Next is { } next)
        {
            var request = context.Request;
            var path = request.PathBase.Add(request.Path).ToUriComponent();
            context.Response.Headers.Link = $"<{path}?{query}limit={limit}&cursor={cursors.Protect(list, next)}>; rel=\"next\"";
        }

        return page.Items;
    }
}
