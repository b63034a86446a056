using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace ChatApi.Web.Json;

/// <summary>
/// What a body must be before anything is read from it: one JSON object in UTF-8 that every parser reads alike and every
/// database can keep. The serializer alone looks at the fields that it knows, and lets the rest pass.
/// </summary>
internal static class StrictJson
{
    private const int MaxDepth = 32;

    private static readonly JsonDocumentOptions DocumentOptions = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <summary>Whether the body is such an object. A byte order mark must be gone already.</summary>
    public static bool IsAcceptable(ReadOnlyMemory<byte> body)
    {
        try
        {
            if (!Utf8.IsValid(body.Span) || !HasStorableTexts(body.Span, MaxDepth))
                return false;
            using var document = JsonDocument.Parse(body, DocumentOptions);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Without the byte order mark, if there is one.</summary>
    public static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> body) =>
        body.Span.StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;

    /// <summary>U+0000 cannot be kept by PostgreSQL; a lone surrogate, which the reader throws at, by nobody.</summary>
    public static bool HasStorableTexts(ReadOnlySpan<byte> body, int maxDepth)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = maxDepth });
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped
                && reader.GetString()!.Contains('\0', StringComparison.Ordinal))
                return false;
        return true;
    }
}
