using System.Net;
using System.Security.Cryptography;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Accounts;

/// <summary>Accounts and tokens of a Supabase project, beside ChatApi's own tokens.</summary>
public sealed class SupabaseTests
{
    private const string RsaKey = "rsa-key";

    private SupabaseAuthServer _supabase = null!;
    private ChatApiProcess _server = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _supabase = await SupabaseAuthServer.StartAsync();
        _supabase.AddKey(RsaKey, RSA.Create(2048));
        _supabase.AddKey("short-rsa-key", RSA.Create(1024));
        _supabase.AddKey("other-curve", ECDsa.Create(ECCurve.NamedCurves.nistP384));
        _server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>
        {
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["SUPABASE_URL"] = _supabase.Url,
            ["SUPABASE_KEY"] = SupabaseAuthServer.ApiKey,
            ["SUPABASE_JWT_SECRET"] = SupabaseAuthServer.Secret,
            ["CHAT_LIMIT_SIGN_INS_PER_MINUTE"] = "0",
        });
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _server.DisposeAsync();
        await _supabase.DisposeAsync();
    }

    [SetUp]
    public void ComeBack() => _supabase.IsAway = false;

    [Test]
    public async Task Whoever_signs_in_at_supabase_chats_here()
    {
        var signedIn = (await LoginAsync(SupabaseAuthServer.Email, SupabaseAuthServer.Password)).Expect(HttpStatusCode.OK);
        Assert.That(signedIn.Json.GetProperty("user").GetProperty("user").GetString(), Is.EqualTo("Ana"));
        var user = new ApiClient(_server, _supabase.UserId, signedIn["token"]);
        var me = (await user.GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);
        Assert.That((me["id"], me["user"], me["email"]), Is.EqualTo((_supabase.UserId.ToString(), "Ana", SupabaseAuthServer.Email)));
        Assert.That(await user.CreateSessionAsync(), Is.Not.Empty);
    }

    [TestCase("unconfirmed@example.com", HttpStatusCode.Unauthorized, "email_not_confirmed")]
    [TestCase("nobody@example.com", HttpStatusCode.Unauthorized, "invalid_credentials")]
    [TestCase("busy@example.com", HttpStatusCode.TooManyRequests, "rate_limited")]
    public async Task What_supabase_refuses_to_a_sign_in_is_told_in_our_words(string email, HttpStatusCode status, string code) =>
        (await LoginAsync(email, SupabaseAuthServer.Password)).ExpectProblem(status, code);

    [TestCase(SupabaseAuthServer.Email, HttpStatusCode.Conflict, "email_taken")]
    [TestCase("hidden@example.com", HttpStatusCode.Conflict, "email_taken")]
    [TestCase("confirm@example.com", HttpStatusCode.Unauthorized, "email_not_confirmed")]
    [TestCase("weak@example.com", HttpStatusCode.BadRequest, "weak_password")]
    public async Task What_supabase_refuses_to_a_registration_is_told_in_our_words(string email, HttpStatusCode status, string code) =>
        (await RegisterAsync(email)).ExpectProblem(status, code);

    [Test]
    public async Task A_registration_without_confirmation_signs_in() =>
        Assert.That((await RegisterAsync("new@example.com")).Expect(HttpStatusCode.Created)["token"], Is.Not.Empty);

    [Test]
    public async Task While_supabase_is_away_sign_in_says_so_and_known_keys_stay_good()
    {
        var token = _supabase.Sign(_supabase.Claims());
        Assert.That(await StatusAsync(token), Is.EqualTo(HttpStatusCode.OK));
        _supabase.IsAway = true;
        (await LoginAsync(SupabaseAuthServer.Email, SupabaseAuthServer.Password)).ExpectProblem(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        Assert.That(await StatusAsync(token), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task The_legacy_secret_and_our_own_tokens_are_good_beside_the_keys()
    {
        Assert.That(await StatusAsync(TestTokens.Sign(_supabase.Claims(), SupabaseAuthServer.Secret)), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await StatusAsync(TestTokens.For(Guid.NewGuid())), Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Keys_for_RS256_are_good_as_well() =>
        Assert.That(await StatusAsync(_supabase.Sign(_supabase.Claims(), RsaKey)), Is.EqualTo(HttpStatusCode.OK));

    [Test]
    public async Task Without_the_legacy_secret_nothing_that_it_signed_is_good()
    {
        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>
        {
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["SUPABASE_URL"] = _supabase.Url,
            ["SUPABASE_KEY"] = SupabaseAuthServer.ApiKey,
        });

        foreach (var keyId in new[] { null, "key-1", "symmetric" })
        {
            var user = new ApiClient(server, Guid.Empty, TestTokens.Sign(_supabase.Claims(), SupabaseAuthServer.Secret, keyId: keyId));
            (await user.GetAsync("/api/auth/me")).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        }

        (await new ApiClient(server, Guid.Empty, _supabase.Sign(_supabase.Claims())).GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);
    }

    [Test]
    public void Every_other_token_is_refused() => Assert.Multiple(async () =>
    {
        foreach (var (name, token) in BadTokens())
            Assert.That(await StatusAsync(token), Is.EqualTo(HttpStatusCode.Unauthorized), name);
    });

    [Test, Order(1)]
    public async Task A_storm_of_unknown_keys_asks_for_them_once_and_a_new_key_is_good_after_it()
    {
        await StatusAsync(_supabase.Sign(_supabase.Claims()));
        var before = _supabase.KeyRequests;
        _supabase.AddKey("key-2");
        Assert.That(await StatusAsync(_supabase.Sign(_supabase.Claims(), "key-2")), Is.EqualTo(HttpStatusCode.OK));
        var statuses = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => StatusAsync(_supabase.Sign(_supabase.Claims(), $"unknown-{number}"))));
        Assert.That(statuses, Is.All.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(_supabase.KeyRequests - before, Is.EqualTo(1));
    }

    [TearDown]
    public void ExpectNothingSecretInTheLog() => Canary.ExpectNone(_server.Output);

    private IEnumerable<(string Name, string Token)> BadTokens()
    {
        yield return ("unsigned", TestTokens.Unsigned(_supabase.Claims()));
        yield return ("signed with the public key as a secret", TestTokens.Sign(_supabase.Claims(), _supabase.PublicKeyText()));
        yield return ("the project's issuer under our own key", TestTokens.Sign(_supabase.Claims()));
        yield return ("our own issuer under the project's secret", TestTokens.Sign(TestTokens.LegacyClaims(Guid.NewGuid()), SupabaseAuthServer.Secret));
        yield return ("anon key", TestTokens.Sign(_supabase.Claims(("role", "anon"), ("sub", null), ("aud", null)), SupabaseAuthServer.Secret));
        yield return ("service_role key", TestTokens.Sign(_supabase.Claims(("role", "service_role"), ("sub", null)), SupabaseAuthServer.Secret));
        yield return ("service_role key that names a user", TestTokens.Sign(_supabase.Claims(("role", "service_role")), SupabaseAuthServer.Secret));
        yield return ("service_role under the public keys", _supabase.Sign(_supabase.Claims(("role", "service_role"))));
        yield return ("no role", _supabase.Sign(_supabase.Claims(("role", null))));
        yield return ("two audiences of others", _supabase.Sign(_supabase.Claims(("aud", new[] { "anon", "other" }))));
        yield return ("no issuer", _supabase.Sign(_supabase.Claims(("iss", null))));
        yield return ("our own issuer under the project's key", _supabase.Sign(_supabase.Claims(("iss", "chatapi"), ("aud", null))));
        yield return ("RS256 said of a key for ES256", _supabase.Sign(_supabase.Claims(), "key-1", "RS256"));
        yield return ("ES256 said of a key for RS256", _supabase.Sign(_supabase.Claims(), RsaKey, "ES256"));
        yield return ("HS256 said of a key for ES256", _supabase.Sign(_supabase.Claims(), "key-1", "HS256"));
        yield return ("ES384 said of a key for ES256", _supabase.Sign(_supabase.Claims(), "key-1", "ES384"));
        yield return ("a key of 1024 bits", _supabase.Sign(_supabase.Claims(), "short-rsa-key"));
        yield return ("a key of another curve", _supabase.Sign(_supabase.Claims(), "other-curve"));
        yield return ("HS384 under the project's secret", TestTokens.Sign(_supabase.Claims(), SupabaseAuthServer.Secret, "HS384"));
        yield return ("unsigned, alg None", TestTokens.Unsigned(_supabase.Claims(), "None"));
        yield return ("another role", _supabase.Sign(_supabase.Claims(("role", "anon"))));
        yield return ("publishable key", "sb_publishable_0123456789");
        yield return ("another issuer", _supabase.Sign(_supabase.Claims(("iss", "https://other.supabase.co/auth/v1"))));
        yield return ("another audience", _supabase.Sign(_supabase.Claims(("aud", "anon"))));
        yield return ("no audience", _supabase.Sign(_supabase.Claims(("aud", null))));
        yield return ("no expiry", _supabase.Sign(_supabase.Claims(("exp", null))));
        yield return ("expired 31 s ago", _supabase.Sign(_supabase.Claims(("exp", TestTokens.SecondsFromNow(-31)))));
        yield return ("not yet good", _supabase.Sign(_supabase.Claims(("nbf", TestTokens.SecondsFromNow(60)))));
        yield return ("no sub", _supabase.Sign(_supabase.Claims(("sub", null))));
        yield return ("a sub that is no UUID", _supabase.Sign(_supabase.Claims(("sub", "ana"))));
        yield return ("unknown key", _supabase.Sign(_supabase.Claims(), "unknown"));
        yield return ("20 KB", new string('x', 20_000));
    }

    private Task<ApiAnswer> LoginAsync(string email, string password) =>
        ApiClient.Nobody(_server).PostAsync("/api/auth/login", new { email, password });

    private Task<ApiAnswer> RegisterAsync(string email) =>
        ApiClient.Nobody(_server).PostAsync("/api/auth/register", new { email, password = SupabaseAuthServer.Password });

    private async Task<HttpStatusCode> StatusAsync(string token) =>
        (await new ApiClient(_server, Guid.Empty, token).GetAsync("/api/auth/me")).Status;
}
