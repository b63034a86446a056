using ChatApi.Application.Errors;

namespace ChatApi.Web.Controllers;

/// <summary>The name that a client gives a request, so that its repetition is known for one.</summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    private const int MaxLength = 255;

    /// <returns>Null if the request has none.</returns>
    /// <exception cref="InvalidRequestException"><c>invalid_idempotency_key</c>.</exception>
    public static string? Of(HttpRequest request)
    {
        if (!request.Headers.TryGetValue(Header, out var values))
            return null;
        return values is [{ Length: > 0 and <= MaxLength } key] && key.All(character => character is > ' ' and < '\x7f')
            ? key
            : throw new InvalidRequestException(
                ErrorCodes.InvalidIdempotencyKey, $"An {Header} has 1 to {MaxLength} visible ASCII characters.");
    }

    /// <summary>Tells the client that its request was known already.</summary>
    public static void MarkReplay(HttpResponse response, bool isReplay)
    {
        if (isReplay)
            response.Headers["Idempotency-Replayed"] = "true";
    }
}
