using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace ChatApi.Infrastructure.Identity;

/// <summary>What Supabase Auth said. Its body may hold tokens: it is never logged.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">A JSON object; undefined if it was none.</param>
/// <param name="RetryAfter">When it wants to be asked again.</param>
internal readonly record struct SupabaseAnswer(HttpStatusCode Status, JsonElement Body, RetryConditionHeaderValue? RetryAfter)
{
    /// <summary>Its stable code: <c>error_code</c>; <c>code</c> in newer versions of its API, <c>error</c> in old servers. Null if there is none.</summary>
    public string? Code => Text(Body, "error_code") ?? Text(Body, "code") ?? Text(Body, "error");

    /// <summary>Its sentence, which is all that tells some errors of old servers apart.</summary>
    public string? Sentence => Text(Body, "msg") ?? Text(Body, "error_description") ?? Text(Body, "message");

    public static JsonElement Parse(byte[] json)
    {
        try
        {
            var element = JsonSerializer.Deserialize<JsonElement>(json);
            return element.ValueKind == JsonValueKind.Object ? element : default;
        }
        catch (JsonException)
        {
            return default;
        }
    }

    /// <summary>A property that is text and not empty; null otherwise.</summary>
    public static string? Text(JsonElement element, string property) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String
            && value.GetString() is { Length: > 0 } text
            ? text
            : null;
}
