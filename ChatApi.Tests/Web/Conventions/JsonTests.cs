using System.Net;
using System.Text;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Conventions;

/// <summary>What counts as a request body.</summary>
public sealed class JsonTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Path = "/api/chat/realtime/sessions";

    private static readonly string[] Doors =
    [
        Path, "/api/chat/sessions", "/api/chat", "/api/auth/register", "/api/auth/login",
    ];

    public static IEnumerable<TestCaseData> NotJson()
    {
        yield return Case("null for an object", "null");
        yield return Case("an array", "[]");
        yield return Case("a string", "\"x\"");
        yield return Case("a number", "5");
        yield return Case("a trailing comma", """{"title":"x",}""");
        yield return Case("a comment", """{"title":"x" /* c */}""");
        yield return Case("a line comment", "{\"title\":\"x\" // c\n}");
        yield return Case("two documents", """{"title":"x"}{"title":"y"}""");
        yield return Case("something after it", """{"title":"x"} x""");
        yield return Case("a duplicate key", """{"title":"x","title":"y"}""");
        yield return Case("a duplicate unknown key", """{"title":"x","z":1,"z":1}""");
        yield return Case("depth over 32", $$"""{"title":"x","z":{{new string('[', 40)}}{{new string(']', 40)}}}""");
        yield return Case("100 000 brackets", new string('[', 100_000));
        yield return Case("half an object", """{"title":"x""");
        yield return Case("single quotes", "{'title':'x'}");
        yield return Case("a raw line break in a string", "{\"title\":\"a\nb\"}");
        yield return Case("an escaped NUL", """{"title":"a\u0000b"}""");
        yield return Case("an escaped NUL in an unknown field", """{"title":"x","z":"a\u0000b"}""");
        yield return Case("an escaped NUL in a name", """{"title":"x","z\u0000":1}""");
        yield return Case("a lone high surrogate", """{"title":"a\ud83d"}""");
        yield return Case("a lone low surrogate", """{"title":"\ude00a"}""");
        yield return Case("a lone surrogate in a name", """{"title":"x","\ud83d":1}""");
        yield return Case("NaN", """{"title":"x","z":NaN}""");
        yield return Case("spaces only", "   ");
        yield return Bytes("invalid UTF-8", [.. "{\"title\":\"a"u8, 0xC3, 0x28, .. "\"}"u8]);
        yield return Bytes("overlong UTF-8", [.. "{\"title\":\"a"u8, 0xC0, 0xAF, .. "\"}"u8]);
        yield return Bytes("a surrogate in UTF-8", [.. "{\"title\":\"a"u8, 0xED, 0xA0, 0xBD, .. "\"}"u8]);
        yield return Bytes("truncated UTF-8", [.. "{\"title\":\"a"u8, 0xF0, 0x9F, .. "\"}"u8]);
        yield return Bytes("a NUL byte", [.. "{\"title\":\"a"u8, 0, .. "\"}"u8]);
        yield return Bytes("UTF-16", Encoding.Unicode.GetBytes("""{"title":"x"}"""));
    }

    [TestCaseSource(nameof(NotJson))]
    public async Task Is_400_with(byte[] body)
    {
        var user = NewUser();
        foreach (var door in Doors)
        {
            var answer = await user.PostRawAsync(door, body);

            answer.Expect(HttpStatusCode.BadRequest);
            answer.ExpectProblem(HttpStatusCode.BadRequest, answer["code"]);
        }

        Assert.That((await user.GetAsync("/api/chat/sessions")).Text, Is.EqualTo("[]"));
    }

    [TestCase("5")]
    [TestCase("1e999")]
    [TestCase("true")]
    [TestCase("{}")]
    [TestCase("[\"x\"]")]
    public async Task Text_is_text_and_nothing_else(string value)
    {
        foreach (var (door, field) in new[] { (Path, "title"), (Path, "initial_message"), ("/api/chat", "content"), ("/api/auth/register", "email"), ("/api/auth/login", "password") })
        {
            var answer = await NewUser().PostRawAsync(door, $"{{\"{field}\":{value}}}");

            answer.ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");
        }
    }

    [TestCase("/api/chat")]
    [TestCase("/api/auth/login")]
    public async Task An_empty_body_where_one_is_needed_is_400(string path)
    {
        var answer = await NewUser().PostRawAsync(path, "");

        answer.Expect(HttpStatusCode.BadRequest);
        Assert.That(answer["code"], Is.Not.Empty);
    }

    [Test]
    public async Task Broken_json_has_its_code()
    {
        (await NewUser().PostRawAsync("/api/chat", """{"content":""")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");
        (await NewUser().PostRawAsync("/api/chat", """{"content":"a","content":"b"}""")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");
    }

    [Test]
    public async Task A_byte_order_mark_is_forgiven()
    {
        var answer = await NewUser().PostRawAsync(Path, [0xEF, 0xBB, 0xBF, .. """{"title":"x"}"""u8]);

        Assert.That(answer.Expect(HttpStatusCode.Created)["title"], Is.EqualTo("x"));
    }

    [TestCase("application/json")]
    [TestCase("application/json; charset=utf-8")]
    [TestCase("application/json;charset=\"UTF-8\"")]
    public async Task Json_in_utf_8_is_taken(string contentType) =>
        (await NewUser().PostRawAsync(Path, """{"title":"ñ"}""", contentType)).Expect(HttpStatusCode.Created);

    [TestCase("text/plain")]
    [TestCase("application/x-www-form-urlencoded")]
    [TestCase("multipart/form-data; boundary=x")]
    [TestCase("application/xml")]
    [TestCase("application/json; charset=x-unknown")]
    [TestCase("garbage")]
    [TestCase(null)]
    public async Task Other_types_are_415(string? contentType)
    {
        foreach (var door in Doors)
        {
            var answer = await NewUser().PostRawAsync(door, """{"title":"x"}""", contentType);

            answer.ExpectProblem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Test]
    public async Task Unknown_fields_are_ignored() =>
        (await NewUser().PostRawAsync(Path, """{"title":"x","z":{"a":[1,2,{"b":null}]},"Title2":1e999}""")).Expect(HttpStatusCode.Created);

    [Test]
    public async Task Names_are_snake_case_and_text_is_not_escaped()
    {
        var made = await NewUser().PostAsync(Path, new { title = "ñ 👋🏽 <b> 日本" });

        Assert.That(made.Json.EnumerateObject().Select(field => field.Name), Is.All.Match("^[a-z][a-z0-9]*(_[a-z0-9]+)*$"));
        Assert.That(made.Text, Does.Contain("ñ").And.Contain("日本"));
        Assert.That(made.Header("Content-Type"), Does.StartWith("application/json"));
    }

    private static TestCaseData Case(string name, string body) => Bytes(name, Encoding.UTF8.GetBytes(body));

    private static TestCaseData Bytes(string name, byte[] body) => new TestCaseData(body).SetArgDisplayNames(name);
}
