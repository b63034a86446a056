using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>An answer that has been read to its end.</summary>
public sealed partial record ApiAnswer(HttpStatusCode Status, IReadOnlyDictionary<string, string> Headers, byte[] Body, Uri Address)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The elements of a bare array.</summary>
    public IReadOnlyList<JsonElement> Items => [.. Json.EnumerateArray()];

    /// <summary>A text property of the body.</summary>
    public string this[string property] => Json.GetProperty(property).GetString()!;

    public static async Task<ApiAnswer> ReadAsync(HttpResponseMessage response)
    {
        var headers = response.Headers.Concat(response.Content.Headers)
            .ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
        return new ApiAnswer(
            response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync(), response.RequestMessage!.RequestUri!);
    }

    /// <summary>A header; null if absent.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The target of <c>Link: …; rel="next"</c>; null on the last page.</summary>
    public string? NextPage() =>
        Header("Link") is { } link
            ? NextLink().Match(link) is { Success: true } match
                ? new Uri(Address, match.Groups[1].Value).PathAndQuery
                : throw new AssertionException($"Not a link to a next page: {link}")
            : null;

    /// <summary>Asserts the status, and shows the body if it is another one.</summary>
    public ApiAnswer Expect(HttpStatusCode status)
    {
        Assert.That(Status, Is.EqualTo(status), Text);
        return this;
    }

    /// <summary>Asserts that this is an error as the contract describes all of them.</summary>
    public ApiAnswer ExpectProblem(HttpStatusCode status, string code)
    {
        Expect(status);
        Assert.That(Header("Content-Type"), Does.StartWith("application/problem+json"), Text);
        Assert.Multiple(() =>
        {
            Assert.That(this["code"], Is.EqualTo(code), Text);
            Assert.That(Json.GetProperty("status").GetInt32(), Is.EqualTo((int)status));
            foreach (var property in new[] { "type", "title", "detail", "instance", "error", "trace_id" })
                Assert.That(Json.TryGetProperty(property, out var value) ? value.GetString() : null, Is.Not.Null.And.Not.Empty, $"{property} of {Text}");
            Assert.That(InternalNames().Match(Text).Value, Is.Empty, "something internal in an error");
            Assert.That(Header("X-Request-ID"), Is.Not.Null.And.Not.Empty);
        });
        return this;
    }

    [GeneratedRegex("""^<([^>]+)>;\s*rel="?next"?$""")]
    private static partial Regex NextLink();

    // Names of types and parts, stack frames, hosts of upstreams.
    [GeneratedRegex(@"System\.|Microsoft\.|ChatApi\.|Npgsql|Sqlite|   at |Exception|SELECT |127\.0\.0\.1|localhost|\.cs:line")]
    private static partial Regex InternalNames();
}
