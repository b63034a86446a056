using System.Text.RegularExpressions;

namespace ChatApi.Infrastructure.Completions;

/// <summary>
/// The optional fields that one model takes. Newer models of OpenAI's refuse <c>max_tokens</c> and <c>temperature</c>, older
/// servers do not know <c>max_completion_tokens</c> and <c>stream_options</c>; which is which cannot be told from a name.
/// So a refusal that names such a field is believed, and the field renamed or left out from then on.
/// </summary>
internal sealed partial record RequestDialect
{
    /// <summary>The name of the limit; null: sent no more.</summary>
    public string? Limit { get; private init; }

    public bool Temperature { get; private init; } = true;

    public bool TopP { get; private init; } = true;

    public bool Stop { get; private init; } = true;

    public bool StreamOptions { get; private init; } = true;

    private string? OtherLimit { get; init; }

    /// <summary>OpenAI itself calls <c>max_tokens</c> deprecated; everywhere else it is the name that is always known.</summary>
    public static RequestDialect Of(CompletionProvider provider) => provider == CompletionProvider.OpenAI
        ? new() { Limit = "max_completion_tokens", OtherLimit = "max_tokens" }
        : new() { Limit = "max_tokens", OtherLimit = "max_completion_tokens" };

    /// <summary>How to say the same in a way that was not refused; null if the refusal is about something else.</summary>
    public RequestDialect? After(UpstreamErrorBody error)
    {
        if (!error.IsUnsupported)
            return null;
        var named = error.Param is { } param && Without(param) is { } adapted ? adapted : null;
        return named ?? FieldNames().Matches(error.Message).Select(match => Without(match.Value)).FirstOrDefault(found => found is not null);
    }

    private RequestDialect? Without(string field) => field switch
    {
        _ when field == Limit => this with { Limit = OtherLimit, OtherLimit = null },
        "temperature" when Temperature => this with { Temperature = false },
        "top_p" when TopP => this with { TopP = false },
        "stop" when Stop => this with { Stop = false },
        "stream_options" when StreamOptions => this with { StreamOptions = false },
        _ => null,
    };

    [GeneratedRegex("(?<![a-z_])(max_tokens|max_completion_tokens|temperature|top_p|stop|stream_options)(?![a-z_])")]
    private static partial Regex FieldNames();
}
