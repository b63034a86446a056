using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatApi.Application.Errors;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.OpenApi;

/// <summary>The document that explorers and generators read.</summary>
public sealed partial class OpenApiTests
{
    private string _text = null!;
    private JsonElement _document;

    [OneTimeSetUp]
    public async Task ReadDocumentAsync()
    {
        var server = (await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite)).Server;
        using var client = server.Client();
        _text = (await client.GetStringAsync("/swagger/v1/swagger.json")).ReplaceLineEndings("\n").TrimEnd() + "\n";
        _document = JsonDocument.Parse(_text).RootElement;
    }

    [Test]
    public void The_document_is_the_one_in_the_repository()
    {
        var path = Repository.File("docs", "openapi.json");
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(path, _text);
        Assert.That(_text, Is.EqualTo(File.ReadAllText(path)), "The API has changed. If it was meant to: UPDATE_SNAPSHOTS=1 dotnet test --filter OpenApi");
    }

    [Test]
    public void Every_operation_has_a_stable_name_a_summary_and_an_example_of_its_answer() => Assert.Multiple(() =>
    {
        Assert.That(Operations().Count(), Is.GreaterThanOrEqualTo(19));
        Assert.That(Operations().Select(operation => operation.Id), Is.Unique.And.All.Match("^[a-z]+(_[a-z]+)*$"));
        foreach (var (id, operation) in Operations())
        {
            Assert.That(operation.GetProperty("summary").GetString(), Has.Length.GreaterThan(5), id);
            foreach (var response in operation.GetProperty("responses").EnumerateObject().Where(response => response.Name is "200" or "201"))
            {
                var media = response.Value.GetProperty("content").EnumerateObject().Select(content => content.Value).ToList();
                Assert.That(media, Is.Not.Empty.And.All.Matches<JsonElement>(one => one.TryGetProperty("example", out _) || one.TryGetProperty("examples", out _)), $"{id} {response.Name}");
            }

            if (operation.TryGetProperty("requestBody", out var body))
                Assert.That(body.GetProperty("content").GetProperty("application/json").TryGetProperty("example", out _), id);
        }
    });

    [Test]
    public void Every_error_is_problem_details_with_a_code_and_every_operation_names_its_own() => Assert.Multiple(() =>
    {
        foreach (var (id, operation) in Operations())
        {
            var errors = operation.GetProperty("responses").EnumerateObject().Where(response => response.Name[0] is '4' or '5').ToList();
            foreach (var error in errors)
            {
                var media = error.Value.GetProperty("content").GetProperty("application/problem+json");
                Assert.That(media.GetProperty("schema").GetProperty("$ref").GetString(), Does.EndWith("/ProblemResponse"), id);
                Assert.That(media.GetProperty("example").GetProperty("status").GetRawText(), Is.EqualTo(error.Name), id);
                Assert.That(Codes(), Does.Contain(media.GetProperty("example").GetProperty("code").GetString()), id);
            }

            var statuses = errors.Select(error => error.Name).ToList();
            if (operation.GetProperty("security").GetArrayLength() > 0)
                Assert.That(statuses, Does.Contain("401"), id);
            if (operation.TryGetProperty("requestBody", out _))
                Assert.That(statuses, Is.SupersetOf(["400", "413", "415"]), id);
        }
    });

    [Test]
    public void Only_signing_in_and_what_was_shared_do_without_a_token() => Assert.That(
        Operations().Where(operation => operation.Operation.GetProperty("security").GetArrayLength() == 0).Select(operation => operation.Id),
        Is.EquivalentTo(["register", "login", "get_shared"]));

    [Test]
    public void The_events_of_the_stream_are_shown_one_by_one()
    {
        var examples = Operations().Single(operation => operation.Id == "stream_reply").Operation
            .GetProperty("responses").GetProperty("200").GetProperty("content").GetProperty("text/event-stream").GetProperty("examples");
        foreach (var type in new[] { "start", "content", "done", "error" })
        {
            var text = examples.GetProperty(type).GetProperty("value").GetString()!;
            Assert.That(text, Does.StartWith("data: ").And.EndWith("\n\n"));
            Assert.That(JsonDocument.Parse(text[6..]).RootElement.GetProperty("type").GetString(), Is.EqualTo(type));
        }
    }

    [Test]
    public void The_pages_are_served_and_their_policy_lets_no_foreign_script_in()
    {
        Assert.Multiple(async () =>
        {
            var server = (await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite)).Server;
            using var client = server.Client();
            foreach (var path in new[] { "/", "/swagger/index.html" })
            {
                using var response = await client.GetAsync(path);
                Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), path);
                Assert.That(response.Headers.GetValues("Content-Security-Policy").Single(), Does.Contain("script-src 'self';"), path);
            }
        });
    }

    [Test]
    public void Every_code_is_explained_in_the_documentation()
    {
        var page = File.ReadAllText(Repository.File("docs", "api.md"));
        var explained = CodeInTable().Matches(page).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.That(Codes().Where(code => !explained.Contains(code)), Is.Empty);
    }

    private static List<string> Codes() => [.. typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!)];

    private IEnumerable<(string Id, JsonElement Operation)> Operations() =>
        from path in _document.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        select (operation.Value.GetProperty("operationId").GetString()!, operation.Value);

    [GeneratedRegex("`([a-z_]+)`")]
    private static partial Regex CodeInTable();
}
