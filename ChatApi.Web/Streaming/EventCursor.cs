using System.Globalization;
using ChatApi.Application.Errors;
using ChatApi.Application.Runs;

namespace ChatApi.Web.Streaming;

/// <summary>Reads where a viewer left off: <c>?run_id=…&amp;after=…</c>, or the <c>Last-Event-ID</c> that <c>EventSource</c> sends.</summary>
internal static class EventCursor
{
    private const string Header = "Last-Event-ID";

    /// <returns>Null if the viewer has seen nothing.</returns>
    /// <exception cref="InvalidRequestException"><c>invalid_event_id</c>.</exception>
    public static RunCursor? Read(HttpRequest request, string? runId, string? after)
    {
        // EventSource repeats the address it was made with: what it has seen since is in the header.
        if (request.Headers.TryGetValue(Header, out var header) && header.ToString() is { Length: > 0 } lastEventId)
        {
            var colon = lastEventId.IndexOf(':', StringComparison.Ordinal);
            return colon < 0 ? throw Invalid() : Parse(lastEventId[..colon], lastEventId[(colon + 1)..]);
        }

        return (runId, after) switch
        {
            (null, null) => null,
            (null, _) => throw Invalid(),
            _ => Parse(runId, after ?? "0"),
        };
    }

    private static RunCursor Parse(string runId, string after) =>
        Guid.TryParseExact(runId, "D", out var id) && int.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var seq)
            ? new(id, seq)
            : throw Invalid();

    private static InvalidRequestException Invalid() =>
        new(ErrorCodes.InvalidEventId, "The event id is not one that was sent here.");
}
