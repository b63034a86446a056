using System.Text.Json;
using System.Text.RegularExpressions;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// The body of a refusal, as far as it can be understood: OpenAI's <c>{"error":{…}}</c>, Azure's inner errors, and the flat
/// objects of other servers.
/// </summary>
internal sealed partial class UpstreamErrorBody
{
    private string? _message;
    private string? _type;
    private string? _code;
    private string? _innerCode;

    /// <summary>The request's field that is to blame.</summary>
    public string? Param { get; private set; }

    /// <summary>The sentence of the upstream: to be searched, never to be shown.</summary>
    public string Message => _message ?? "";

    public bool IsContextTooLong =>
        HasCode("context_length_exceeded", "exceed_context_size_error") || ContextWords().IsMatch(Message);

    public bool IsContentFiltered => HasCode("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation");

    public bool IsOutOfQuota => HasCode("insufficient_quota", "billing_hard_limit_reached");

    /// <summary>A field, or its value, that this model does not know: the request may do without.</summary>
    public bool IsUnsupported =>
        HasCode("unsupported_parameter", "unsupported_value", "unknown_parameter") || UnsupportedWords().IsMatch(Message);

    /// <summary>For the log; null unless it is a plain word.</summary>
    public string? LogCode => _code is not null && PlainWord().IsMatch(_code) ? _code : null;

    public static UpstreamErrorBody Parse(ReadOnlySpan<byte> body)
    {
        var error = new UpstreamErrorBody();
        try
        {
            var reader = new Utf8JsonReader(body);
            using var document = JsonDocument.ParseValue(ref reader);
            error.Read(document.RootElement);
        }
        catch (JsonException)
        {
            // A proxy's page, or a body cut at our limit: the status alone must do.
        }

        return error;
    }

    private void Read(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0)
            root = root[0]; // Google's OpenAI-compatible door.
        if (root.ValueKind != JsonValueKind.Object)
            return;

        var error = root.TryGetProperty("error", out var nested) ? nested : root;
        if (error.ValueKind == JsonValueKind.String)
            _message = error.GetString();
        if (error.ValueKind != JsonValueKind.Object)
            return;

        _message = Text(error, "message") ?? Text(error, "detail");
        _type = Text(error, "type");
        _code = Text(error, "code");
        Param = Text(error, "param");
        if (error.TryGetProperty("innererror", out var inner) && inner.ValueKind == JsonValueKind.Object)
            _innerCode = Text(inner, "code");
    }

    private static string? Text(JsonElement parent, string name) => !parent.TryGetProperty(name, out var value)
        ? null
        : value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Null => null,
            _ => value.GetRawText(),
        };

    private bool HasCode(params ReadOnlySpan<string> codes) =>
        codes.Contains(_code ?? "") || codes.Contains(_type ?? "") || codes.Contains(_innerCode ?? "");

    [GeneratedRegex("context (length|window|size)|maximum context|prompt is too long|too many tokens in the prompt", RegexOptions.IgnoreCase)]
    private static partial Regex ContextWords();

    [GeneratedRegex(
        "unsupported|not support|unrecognized|unknown (parameter|field|argument)|extra inputs are not permitted|extra_forbidden",
        RegexOptions.IgnoreCase)]
    private static partial Regex UnsupportedWords();

    [GeneratedRegex("^[A-Za-z0-9_.-]{1,64}$")]
    private static partial Regex PlainWord();
}
