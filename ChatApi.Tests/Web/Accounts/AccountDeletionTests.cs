using System.Net;
using System.Text;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Accounts;

/// <summary>An account that is deleted takes everything of its own with it, and comes back by nothing.</summary>
public sealed class AccountDeletionTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Password = "correct horse battery";
    private const string Me = "/api/auth/me";

    [Test]
    public async Task Deleting_an_account_ends_its_tokens_and_frees_its_address()
    {
        var (user, email) = await RegisterAsync();
        var session = await user.CreateSessionAsync();
        var other = new ApiClient(Server, user.UserId, TestTokens.For(user.UserId));
        (await other.GetAsync(Me)).Expect(HttpStatusCode.OK);

        (await DeleteAsync(user, Password)).Expect(HttpStatusCode.NoContent);

        foreach (var gone in new[] { user, other, new ApiClient(Server, user.UserId, TestTokens.Sign(TestTokens.LegacyClaims(user.UserId, email))) })
        {
            (await gone.GetAsync(Me)).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
            (await gone.GetAsync($"/api/chat/sessions/{session}")).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
            (await DeleteAsync(gone, Password)).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        }

        (await SignInAsync(email)).ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");
        var again = (await Nobody().PostAsync("/api/auth/register", new { email, password = Password })).Expect(HttpStatusCode.Created);
        var anew = new ApiClient(Server, Guid.Empty, again["token"]);
        Assert.That((await anew.GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK).Items, Is.Empty);
    }

    [Test]
    public async Task A_reply_in_the_making_is_stopped_and_goes_with_the_account()
    {
        var (user, _) = await RegisterAsync();
        var session = await user.CreateSessionAsync();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Había una vez").Silence());
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content");

        (await DeleteAsync(user, Password)).Expect(HttpStatusCode.NoContent);

        await reply.ReadToEndAsync();
        await Model.CallsFor(question).Single().ClientClosed.WaitAsync(Poll.Patience);
    }

    [TestCase("""{"password":"not my password"}""")]
    [TestCase("""{"password":""}""")]
    [TestCase("""{"password":null}""")]
    [TestCase("{}")]
    public async Task Another_password_deletes_nothing(string body)
    {
        var (user, email) = await RegisterAsync();

        (await SendAsync(user, body)).ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");

        (await user.GetAsync(Me)).Expect(HttpStatusCode.OK);
        (await SignInAsync(email)).Expect(HttpStatusCode.OK);
    }

    [TestCase("")]
    [TestCase("null")]
    [TestCase("""{"password":5}""")]
    public async Task What_is_no_such_request_is_400(string body)
    {
        var (user, _) = await RegisterAsync();

        (await SendAsync(user, body)).ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");

        (await user.GetAsync(Me)).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task Whose_token_names_another_accounts_address_deletes_neither()
    {
        var (owner, email) = await RegisterAsync();
        var id = Guid.CreateVersion7();
        var thief = new ApiClient(Server, id, TestTokens.Sign(TestTokens.LegacyClaims(id, email)));

        (await DeleteAsync(thief, Password)).ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");

        (await owner.GetAsync(Me)).Expect(HttpStatusCode.OK);
        (await thief.GetAsync(Me)).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task Whoever_has_no_password_here_cannot_delete_anything()
    {
        var user = NewUser();
        (await DeleteAsync(user, Password)).ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");
        (await user.GetAsync(Me)).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task A_request_whose_body_comes_after_the_deletion_writes_nothing()
    {
        var (user, _) = await RegisterAsync();
        var body = """{"title":"tarde"}"""u8.ToArray();
        var request = RawHttp.Request("POST /api/chat/sessions", user.Token, body);
        await using var slow = await RawHttp.OpenAsync(Server.Address, request[..^5]);
        await Poll.UntilAsync(async () => (await user.GetAsync("/api/chat/sessions")).Status == HttpStatusCode.OK, "the server's attention");
        (await DeleteAsync(user, Password)).Expect(HttpStatusCode.NoContent);

        await slow.WriteAsync(request.AsMemory(^5..));

        Assert.That(await RawHttp.ReadAsync(slow), Does.StartWith("HTTP/1.1 401 "));
    }

    [Test]
    public async Task Deleting_twice_at_once_deletes_once()
    {
        var (user, _) = await RegisterAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => DeleteAsync(user, Password)));

        Assert.That(answers.Select(answer => answer.Status), Is.All.AnyOf(HttpStatusCode.NoContent, HttpStatusCode.Unauthorized));
        Assert.That(answers.Select(answer => answer.Status), Does.Contain(HttpStatusCode.NoContent));
        (await user.GetAsync(Me)).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    private static Task<ApiAnswer> DeleteAsync(ApiClient user, string password) => user.SendAsync(HttpMethod.Delete, Me, new { password });

    private static Task<ApiAnswer> SendAsync(ApiClient user, string body) => user.SendAsync(new HttpRequestMessage(HttpMethod.Delete, Me)
    {
        Content = new StringContent(body, Encoding.UTF8, ApiClient.JsonType),
    });

    private async Task<(ApiClient User, string Email)> RegisterAsync()
    {
        var email = $"user-{Guid.NewGuid():N}@example.com";
        var answer = (await Nobody().PostAsync("/api/auth/register", new { email, password = Password })).Expect(HttpStatusCode.Created);
        return (new ApiClient(Server, answer.Json.GetProperty("user").GetProperty("id").GetGuid(), answer["token"]), email);
    }

    private Task<ApiAnswer> SignInAsync(string email) => Nobody().PostAsync("/api/auth/login", new { email, password = Password });
}
