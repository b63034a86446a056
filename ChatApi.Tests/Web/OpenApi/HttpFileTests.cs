using System.Text.Json;
using System.Text.RegularExpressions;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.OpenApi;

/// <summary><c>ChatApi.Web.http</c> has every call of the API, and none that there is not.</summary>
public sealed partial class HttpFileTests
{
    [Test]
    public void It_has_the_calls_of_the_document_and_no_others()
    {
        var calls = Call().Matches(File.ReadAllText(Repository.File("ChatApi.Web", "ChatApi.Web.http")))
            .Select(match => $"{match.Groups[1].Value} {Variable().Replace(match.Groups[2].Value, "{id}")}")
            .Where(call => !call.Contains("/health/", StringComparison.Ordinal)).Distinct();

        Assert.That(calls, Is.EquivalentTo(Operations()));
    }

    private static List<string> Operations()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Repository.File("docs", "openapi.json")));
        return document.RootElement.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {Parameter().Replace(path.Name, "{id}")}"))
            .ToList();
    }

    [GeneratedRegex(@"^(GET|POST|PUT|PATCH|DELETE) \{\{host\}\}([^\s?]+)", RegexOptions.Multiline)]
    private static partial Regex Call();

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\{\{[^}]+\}\}")]
    private static partial Regex Variable();
}
