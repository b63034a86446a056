using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>An answer as it stood on the wire, taken apart by hand.</summary>
public sealed record RawAnswer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The body; throws if it is no UTF-8.</summary>
    public string Text => StrictUtf8.GetString(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string MediaType => Header("Content-Type")?.Split(';')[0] ?? "";

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>Whether the server did not hang up in the middle of it.</summary>
    public static bool IsWhole(string answer)
    {
        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return end >= 0
            && (!answer[..end].Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase)
                || answer.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal));
    }

    /// <param name="answer">Latin-1, as <see cref="RawHttp"/> gives it, to the end of the connection.</param>
    public static RawAnswer Parse(string answer)
    {
        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var lines = answer[..end].Split("\r\n");
        var status = int.Parse(lines[0].AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture);
        if (status == 100)
            return Parse(answer[(end + 4)..]);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2))
            .GroupBy(pair => pair[0], StringComparer.OrdinalIgnoreCase)
            .ToDictionary(group => group.Key, group => string.Join(", ", group.Select(pair => pair[1])), StringComparer.OrdinalIgnoreCase);
        var body = headers.GetValueOrDefault("Transfer-Encoding") == "chunked"
            ? string.Concat(RawHttp.Chunks(answer, Encoding.Latin1))
            : answer[(end + 4)..];
        return new(status, headers, Encoding.Latin1.GetBytes(body));
    }
}
