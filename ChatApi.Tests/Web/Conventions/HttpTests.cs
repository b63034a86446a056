using System.Net;
using System.Text;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Conventions;

/// <summary>Errors of the protocol itself, request ids, CORS, and the doors that need no token.</summary>
public sealed class HttpTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Origin = "http://localhost:5173";

    [TestCase("*/*")]
    [TestCase("text/event-stream")]
    [TestCase("application/json")]
    [TestCase("text/html")]
    [TestCase("image/png")]
    public async Task Every_error_is_a_problem_whatever_is_accepted(string accept)
    {
        var user = NewUser();

        (await SendAsync(user, "GET", "/api/nothing/here", accept)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await SendAsync(user, "GET", "/nothing-here", accept)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await SendAsync(user, "GET", "/api/chat/sessions?limit=0", accept)).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        (await SendAsync(Nobody(), "GET", "/api/chat/sessions", accept)).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        (await SendAsync(user, "POST", "/api/chat", accept, "text/plain")).ExpectProblem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        var wrongMethod = await SendAsync(user, "DELETE", "/api/chat/sessions", accept);
        wrongMethod.ExpectProblem(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        Assert.That(wrongMethod.Header("Allow")!.Split(", "), Is.SupersetOf(new[] { "GET", "POST" }));
    }

    [Test]
    public async Task What_is_accepted_does_not_change_good_answers() =>
        (await SendAsync(NewUser(), "GET", "/api/chat/sessions", "text/event-stream")).Expect(HttpStatusCode.OK);

    [Test]
    public async Task Field_errors_are_told_by_the_names_of_the_fields()
    {
        var answer = await NewUser().PostAsync("/api/chat/sessions", new { title = new string('x', 201) });

        Assert.That(answer.Expect(HttpStatusCode.BadRequest).Json.GetProperty("errors").GetProperty("title").GetArrayLength(), Is.Positive);
        Assert.That(answer["error"], Is.EqualTo(answer["detail"]));
    }

    [Test]
    public async Task A_sane_request_id_is_given_back()
    {
        Assert.That((await WithRequestIdAsync("abc-123_DEF.4")).Header("X-Request-ID"), Is.EqualTo("abc-123_DEF.4"));
        Assert.That((await NewUser().GetAsync("/api/chat/sessions")).Header("X-Request-ID"), Is.Not.Null.And.Not.Empty);
    }

    [Test]
    public async Task Another_request_id_is_replaced()
    {
        foreach (var bad in new[] { new string('x', 500), "a b", "<script>", "a\tb", "" })
            Assert.That((await WithRequestIdAsync(bad)).Header("X-Request-ID"), Is.Not.Null.And.Not.Empty.And.Not.EqualTo(bad), bad);
    }

    [TestCase("http://localhost:5173")]
    [TestCase("http://localhost:3000")]
    public async Task Our_front_ends_may_read_answers(string origin)
    {
        var answer = await WithOriginAsync(NewUser(), HttpMethod.Get, origin);

        Assert.That(answer.Header("Access-Control-Allow-Origin"), Is.EqualTo(origin));
        Assert.That(answer.Header("Access-Control-Allow-Credentials"), Is.EqualTo("true"));
        Assert.That(Names(answer.Header("Access-Control-Expose-Headers")), Is.SupersetOf(new[]
        {
            "link", "location", "retry-after", "ratelimit", "ratelimit-policy", "idempotency-replayed", "x-request-id", "x-vercel-ai-ui-message-stream",
        }));
        Assert.That(answer.Header("Vary"), Does.Contain("Origin"));
    }

    [TestCase("https://evil.example")]
    [TestCase("null")]
    [TestCase("http://localhost:5173.evil.example")]
    [TestCase("https://localhost:5173")]
    public async Task Others_may_not(string origin)
    {
        var answers = new[] { await WithOriginAsync(NewUser(), HttpMethod.Get, origin), await WithOriginAsync(Nobody(), HttpMethod.Options, origin) };

        Assert.That(answers.SelectMany(answer => answer.Headers.Keys).Where(name => name.StartsWith("Access-Control-Allow", StringComparison.OrdinalIgnoreCase)), Is.Empty);
    }

    [Test]
    public async Task Errors_can_be_read_by_our_front_ends_too() =>
        Assert.That((await WithOriginAsync(Nobody(), HttpMethod.Get, Origin)).Expect(HttpStatusCode.Unauthorized).Header("Access-Control-Allow-Origin"), Is.EqualTo(Origin));

    [Test]
    public async Task Preflights_are_allowed_and_cached()
    {
        var answer = await WithOriginAsync(Nobody(), HttpMethod.Options, Origin);

        Assert.That((int)answer.Status, Is.InRange(200, 204));
        Assert.That(answer.Header("Access-Control-Allow-Origin"), Is.EqualTo(Origin));
        Assert.That(answer.Header("Access-Control-Allow-Credentials"), Is.EqualTo("true"));
        Assert.That(int.Parse(answer.Header("Access-Control-Max-Age")!, System.Globalization.CultureInfo.InvariantCulture), Is.GreaterThanOrEqualTo(60));
        Assert.That(Names(answer.Header("Access-Control-Allow-Methods")), Is.SupersetOf(new[] { "patch" }));
        Assert.That(Names(answer.Header("Access-Control-Allow-Headers")), Is.SupersetOf(new[]
        {
            "authorization", "content-type", "accept", "cache-control", "idempotency-key", "last-event-id", "x-request-id",
            "user-agent", "traceparent", "tracestate",
        }));
    }

    [TestCase("/", "text/html")]
    [TestCase("/swagger/v1/swagger.json", "application/json")]
    [TestCase("/health/live", null)]
    [TestCase("/health/ready", null)]
    public async Task Other_doors_are_open(string path, string? contentType)
    {
        var answer = (await Nobody().GetAsync(path)).Expect(HttpStatusCode.OK);

        if (contentType is not null)
            Assert.That(answer.Header("Content-Type"), Does.StartWith(contentType));
        Assert.That(answer.Header("X-Request-ID"), Is.Not.Null.And.Not.Empty);
    }

    [Test]
    public async Task Swagger_ui_is_there()
    {
        var answer = await Nobody().GetAsync("/swagger");
        if (answer.Header("Location") is { } location)
            answer = await Nobody().GetAsync(new Uri(answer.Address, location).PathAndQuery);

        Assert.That(answer.Expect(HttpStatusCode.OK).Text, Does.Contain("swagger-ui"));
    }

    [Test]
    public async Task The_description_of_the_API_names_every_call_of_the_contract()
    {
        var paths = (await Nobody().GetAsync("/swagger/v1/swagger.json")).Json.GetProperty("paths");
        var calls = paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject()
            .Select(operation => $"{operation.Name.ToUpperInvariant()} {System.Text.RegularExpressions.Regex.Replace(path.Name, @"\{\w+\}", "{}")}"));

        Assert.That(calls, Is.SupersetOf(new[]
        {
            "POST /api/auth/register", "POST /api/auth/login", "GET /api/auth/me", "POST /api/chat", "GET /api/chat/sessions",
            "POST /api/chat/sessions", "GET /api/chat/sessions/{}", "PUT /api/chat/sessions/{}", "PATCH /api/chat/sessions/{}",
            "DELETE /api/chat/sessions/{}", "GET /api/chat/sessions/{}/messages", "POST /api/chat/sessions/{}/messages",
            "GET /api/chat/messages/{}", "DELETE /api/chat/messages/{}", "POST /api/chat/realtime/sessions",
            "POST /api/chat/realtime/sessions/{}/stream", "GET /api/chat/realtime/sessions/{}/stream",
            "POST /api/chat/realtime/sessions/{}/stop", "GET /api/chat/runs/{}",
        }));
    }

    [TestCase("GET /api/chat/sessions?limit=%00")]
    [TestCase("GET /api/chat/sessions?x=%00")]
    [TestCase("GET /api/chat/sessions?x=%C3%28")]
    [TestCase("GET /%00")]
    [TestCase("GET /api/chat/sessions/..%2f..%2fetc%2fpasswd")]
    [TestCase("GET /..%5c..%5cappsettings.json")]
    [TestCase("GET /appsettings.json")]
    [TestCase("GET /.env")]
    [TestCase("TRACE /api/chat")]
    [TestCase("BREW /api/chat/sessions")]
    [TestCase("GARBAGE")]
    public async Task No_request_line_is_a_server_error(string line)
    {
        var answer = await RawHttp.SendAsync(Server.Address, RawHttp.Request(line, NewUser().Token, []));

        Assert.That(answer, Does.Match("^HTTP/1.1 (2|4)"));
        Assert.That(answer, Does.Not.Contain("Exception").And.Not.Contain("ConnectionStrings").And.Not.Contain("root:"));
    }

    [Test]
    public async Task A_header_with_strange_bytes_is_no_server_error()
    {
        var answer = await RawHttp.SendAsync(
            Server.Address, RawHttp.Request("GET /api/chat/sessions", NewUser().Token, [], "X-Request-ID: \u00ff\u00fe", "Origin: \u00ff", "Accept: ;;;,"));

        Assert.That(answer, Does.Match("^HTTP/1.1 (2|4)"));
    }

    private static string[] Names(string? header) => (header ?? "").ToLowerInvariant().Split(',', StringSplitOptions.TrimEntries);

    private static Task<ApiAnswer> SendAsync(ApiClient user, string method, string path, string accept, string? contentType = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Parse(method), path);
        request.Headers.Accept.ParseAdd(accept);
        if (contentType is not null)
            request.Content = new StringContent(JsonSerializer.Serialize(new { content = "x" }), Encoding.UTF8, contentType);
        return user.SendAsync(request);
    }

    private static Task<ApiAnswer> WithOriginAsync(ApiClient user, HttpMethod method, string origin)
    {
        var request = new HttpRequestMessage(method, "/api/chat/sessions");
        request.Headers.Add("Origin", origin);
        if (method == HttpMethod.Options)
        {
            request.Headers.Add("Access-Control-Request-Method", "PATCH");
            request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type,cache-control,idempotency-key,last-event-id,x-request-id,accept");
        }

        return user.SendAsync(request);
    }

    private Task<ApiAnswer> WithRequestIdAsync(string id)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/sessions");
        request.Headers.TryAddWithoutValidation("X-Request-ID", id);
        return NewUser().SendAsync(request);
    }
}
