using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Accounts;

/// <summary>Which bearer tokens open the API.</summary>
public sealed class TokenTests(DatabaseKind database) : HttpSuite(database)
{
    public static IEnumerable<TestCaseData> BadTokens()
    {
        yield return Bad("no expiry", claims => claims.Remove("exp"));
        yield return Bad("expired longer ago than the skew", claims => claims["exp"] = TestTokens.SecondsFromNow(-35));
        yield return Bad("not valid yet", claims => claims["nbf"] = TestTokens.SecondsFromNow(120));
        yield return Bad("no user id", claims => claims.Remove("user_id"));
        yield return Bad("a user id that is no UUID", claims => claims["user_id"] = "42");
        yield return Bad("an empty user id", claims => claims["user_id"] = "");
        yield return Bad("a number as user id", claims => claims["user_id"] = 42);
        yield return Bad("a sub that is no UUID, beside a good user_id", claims => claims["sub"] = "admin");
        yield return Bad("an expiry that is no number", claims => claims["exp"] = "tomorrow");
        yield return Bad("another issuer", claims => claims["iss"] = "https://ref.supabase.co/auth/v1");
        yield return Bad("an audience, which ours have not", claims => claims["aud"] = "authenticated");
        yield return Case("another key", () => TestTokens.Sign(Claims(), "another-key-0123456789-0123456789-0123456789"));
        yield return Case("another algorithm", () => TestTokens.Sign(Claims(), algorithm: "HS512"));
        yield return Case("alg none", () => TestTokens.Unsigned(Claims()));
        yield return Case("alg NONE", () => TestTokens.Unsigned(Claims(), "NONE"));
        yield return Case("no alg", () => TestTokens.Unsigned(Claims(), ""));
        yield return Case("alg none with a signature", () => TestTokens.Unsigned(Claims()) + "c2ln");
        yield return Case("no signature", () => TestTokens.Sign(Claims())[..^43]);
        yield return Case("a changed body", Tampered);
        yield return Case("garbage", () => "garbage");
        yield return Case("three dots", () => "...");
        yield return Case("nothing", () => "");
        yield return Case("20 KB", () => new string('a', 20_000));
    }

    [TestCaseSource(nameof(BadTokens))]
    public async Task Is_401_with(Func<string> token)
    {
        var answer = await SendAsync($"Bearer {token()}");

        if (answer.Status == HttpStatusCode.RequestHeaderFieldsTooLarge)
            return;
        answer.ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.That(answer.Header("WWW-Authenticate"), Does.StartWith("Bearer"));
    }

    [TestCase(null)]
    [TestCase("Basic dXNlcjpwYXNz")]
    [TestCase("Bearer")]
    [TestCase("bearer")]
    public async Task Is_401_without_a_bearer_token(string? authorization)
    {
        var answer = await SendAsync(authorization);

        answer.ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.That(answer.Header("WWW-Authenticate"), Does.StartWith("Bearer"));
    }

    [Test]
    public async Task Tokens_of_the_old_service_stay_valid()
    {
        var id = Guid.NewGuid();
        var user = new ApiClient(Server, id, TestTokens.Sign(TestTokens.LegacyClaims(id, "vieja@example.com", "Vieja")));

        var me = (await user.GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);
        var session = await user.PostAsync("/api/chat/sessions", new { title = "Mía" });

        Assert.That((me["id"], me["user"], me["email"]), Is.EqualTo((id.ToString(), "Vieja", "vieja@example.com")));
        Assert.That(session.Expect(HttpStatusCode.Created)["user_id"], Is.EqualTo(id.ToString()));
    }

    [Test]
    public async Task A_sub_names_the_user_as_well()
    {
        var id = Guid.NewGuid();
        var claims = TestTokens.LegacyClaims(Guid.NewGuid());
        claims["sub"] = id.ToString();
        claims.Remove("user_id");

        var me = await new ApiClient(Server, id, TestTokens.Sign(claims)).GetAsync("/api/auth/me");

        Assert.That(me.Expect(HttpStatusCode.OK)["id"], Is.EqualTo(id.ToString()));
    }

    [Test]
    public async Task Clocks_may_differ_by_some_seconds()
    {
        var claims = Claims();
        claims["exp"] = TestTokens.SecondsFromNow(-10);

        (await SendAsync($"Bearer {TestTokens.Sign(claims)}")).Expect(HttpStatusCode.OK);
    }

    [TestCase("/api/chat/sessions")]
    [TestCase("/api/auth/me")]
    public async Task A_stream_only_client_gets_the_same_problem(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/event-stream");

        (await Nobody().SendAsync(request)).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    private static TestCaseData Bad(string name, Action<Dictionary<string, object?>> spoil) => Case(name, () =>
    {
        var claims = Claims();
        spoil(claims);
        return TestTokens.Sign(claims);
    });

    private static TestCaseData Case(string name, Func<string> token) => new TestCaseData(token).SetArgDisplayNames(name);

    private static Dictionary<string, object?> Claims() => TestTokens.LegacyClaims(Guid.NewGuid());

    private static string Tampered()
    {
        var good = TestTokens.Sign(Claims()).Split('.');
        var other = TestTokens.Sign(Claims()).Split('.');
        return $"{good[0]}.{other[1]}.{good[2]}";
    }

    private Task<ApiAnswer> SendAsync(string? authorization)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/sessions");
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        return Nobody().SendAsync(request);
    }
}
