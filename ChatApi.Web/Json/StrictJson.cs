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

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth };
    private static readonly JsonDocumentOptions DocumentOptions = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <summary>Whether the body is such an object. A byte order mark must be gone already.</summary>
    public static bool IsAcceptable(ReadOnlyMemory<byte> body)
    {
        try
        {
            if (!Utf8.IsValid(body.Span) || !HasStorableTexts(body.Span))
                return false;
            using var document = JsonDocument.Parse(body, DocumentOptions);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>U+0000 cannot be kept by PostgreSQL; a lone surrogate, which the reader throws at, by nobody.</summary>
    private static bool HasStorableTexts(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, ReaderOptions);
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped
                && reader.GetString()!.Contains('\0', StringComparison.Ordinal))
                return false;
        return true;
    }
}
