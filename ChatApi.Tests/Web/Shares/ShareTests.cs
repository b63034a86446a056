using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Shares;

/// <summary>What a conversation said, for whoever has the link.</summary>
public sealed class ShareTests(DatabaseKind database) : HttpSuite(database)
{
    [Test]
    public async Task Whoever_has_the_link_reads_what_was_said_then_and_nothing_of_its_owner()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync("Recetas <b>de</b> Ana");
        var first = await user.ImportAsync(session, "Sopa <script>alert(1)</script> &amp; \"pan\"\n  con\tajo");
        var share = (await user.PostAsync($"/api/chat/sessions/{session}/share", new { expires_in_days = 7 })).Expect(HttpStatusCode.Created);
        await user.ImportAsync(session, "Algo de después");
        (await user.PatchAsync($"/api/chat/sessions/{session}", new { title = "Otro título" })).Expect(HttpStatusCode.OK);

        var data = (await Nobody().GetAsync($"/api/shared/{share["token"]}")).Expect(HttpStatusCode.OK);
        var page = (await Nobody().GetAsync(new Uri(share["url"]).AbsolutePath)).Expect(HttpStatusCode.OK);

        Assert.That(data.Json.EnumerateObject().Select(field => field.Name), Is.EqualTo(["title", "created_at", "messages"]));
        Assert.That(data["title"], Is.EqualTo("Recetas <b>de</b> Ana"));
        var message = data.Json.GetProperty("messages").EnumerateArray().Single();
        Assert.That(message.EnumerateObject().Select(field => field.Name), Is.EqualTo(["role", "content", "created_at"]));
        Assert.That(message.GetProperty("content").GetString(), Is.EqualTo("Sopa <script>alert(1)</script> &amp; \"pan\"\n  con\tajo"));
        Assert.That(page.Text, Does.Contain("<title>Recetas &lt;b&gt;de&lt;/b&gt; Ana</title>").And.Contain("Sopa &lt;script&gt;alert(1)&lt;/script&gt; &amp;amp;"));
        Assert.That(page.Text, Does.Contain("<meta name=\"robots\" content=\"noindex, nofollow, noarchive\">").And.Not.Contain("<script").And.Not.Contain("después"));
        foreach (var own in new[] { user.UserId.ToString(), session, first, share["id"], share["token"] })
            Assert.That(data.Text + page.Text, Does.Not.Contain(own));
        Assert.That(page.Header("Content-Type"), Is.EqualTo("text/html; charset=utf-8"));
        Assert.That(page.Header("Content-Security-Policy"), Does.StartWith("default-src 'none'; script-src 'none'; style-src 'sha256-").And.Not.Contain("'self'").And.Not.Contain("unsafe"));
        foreach (var answer in new[] { data, page })
        {
            Assert.That(answer.Header("X-Robots-Tag"), Is.EqualTo("noindex, nofollow, noarchive"));
            Assert.That(answer.Header("Referrer-Policy"), Is.EqualTo("no-referrer"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
        }
    }

    [Test]
    public async Task Only_the_branch_that_is_shown_is_shared()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var question = ModelScripts.NewQuestion("Antes");
        await using (var reply = await user.StreamAsync(session, question))
            await reply.ReadToEndAsync();
        var asked = (await user.GetAsync($"/api/chat/sessions/{session}/messages")).Items[0].GetProperty("id");
        var edited = ModelScripts.NewQuestion("Ahora");
        (await user.PutAsync($"/api/chat/messages/{asked}", new { content = edited })).Expect(HttpStatusCode.OK);

        var token = await ShareAsync(user, session);
        var shared = (await Nobody().GetAsync($"/api/shared/{token}")).Expect(HttpStatusCode.OK).Json.GetProperty("messages").EnumerateArray().ToList();

        Assert.That(shared.Select(message => message.GetProperty("role").GetString()), Is.EqualTo(["user", "assistant"]));
        Assert.That(shared[0].GetProperty("content").GetString(), Is.EqualTo(edited));
    }

    [Test]
    public async Task Wrong_revoked_and_of_a_conversation_that_is_gone_are_the_same_404()
    {
        var user = NewUser();
        var (kept, gone) = (await user.CreateSessionAsync(), await user.CreateSessionAsync());
        var revoked = (await user.PostAsync($"/api/chat/sessions/{kept}/share", null)).Expect(HttpStatusCode.Created);
        var orphan = await ShareAsync(user, gone);
        (await Nobody().GetAsync($"/api/shared/{revoked["token"]}")).Expect(HttpStatusCode.OK);
        (await Nobody().GetAsync($"/api/shared/{orphan}")).Expect(HttpStatusCode.OK);
        (await user.DeleteAsync($"/api/chat/shares/{revoked["id"]}")).Expect(HttpStatusCode.OK);
        (await user.DeleteAsync($"/api/chat/sessions/{gone}")).Expect(HttpStatusCode.OK);

        var (bodies, pages) = (new HashSet<string>(), new HashSet<string>());
        foreach (var token in new[] { revoked["token"], orphan, revoked["id"], new string('A', 43), "x", new string('A', 3000), "%F0%9F%91%8B", "AAAA" })
        {
            var answer = (await Nobody().GetAsync($"/api/shared/{token}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
            bodies.Add(answer["error"]);
            pages.Add((await Nobody().GetAsync($"/shared/{token}")).Expect(HttpStatusCode.NotFound).Text);
        }

        Assert.That(bodies, Has.Count.EqualTo(1));
        Assert.That(pages, Has.Count.EqualTo(1));
        Assert.That(pages.Single(), Does.StartWith("<!doctype html>"));
    }

    [Test]
    public async Task Shares_are_listed_the_newest_first_and_without_what_opens_them()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync("Una");
        var made = new List<ApiAnswer>();
        for (var number = 0; number < 3; number++)
        {
            made.Add((await user.PostAsync($"/api/chat/sessions/{session}/share", new { expires_in_days = number == 0 ? 30 : (int?)null })).Expect(HttpStatusCode.Created));
            await Task.Delay(2);
        }

        var first = (await user.GetAsync("/api/chat/shares?limit=2")).Expect(HttpStatusCode.OK);
        var second = (await user.GetAsync(first.NextPage()!)).Expect(HttpStatusCode.OK);

        Assert.That(first.Items.Concat(second.Items).Select(share => share.GetProperty("id").GetString()), Is.EqualTo(made.Select(share => share["id"]).Reverse()));
        Assert.That(second.NextPage(), Is.Null);
        Assert.That(second.Items[0].GetProperty("expires_at").GetDateTime() - second.Items[0].GetProperty("created_at").GetDateTime(), Is.EqualTo(TimeSpan.FromDays(30)));
        Assert.That(first.Items[0].EnumerateObject().Select(field => field.Name), Is.EquivalentTo(["id", "session_id", "title", "created_at", "expires_at"]));
        foreach (var share in made)
            Assert.That(first.Text + second.Text, Does.Not.Contain(share["token"]));
        Assert.That((await NewUser().GetAsync("/api/chat/shares")).Text, Is.EqualTo("[]"));
        (await NewUser().DeleteAsync($"/api/chat/shares/{made[0]["id"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.GetAsync("/api/chat/shares?cursor=AAAA")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
    }

    [TestCase("FGUWV5FOMOVVGGWF4E4UTOPND0NDSZT4ZVNT4VMSLAW", Description = "The last letter has bits too many.")]
    [TestCase("FGUWV5FOMOVVGGWF4E4UTOPND0NDSZT4ZVNT4VMS.AA")]
    [TestCase("FGUWV5FOMOVVGGWF4E4UTOPND0NDSZT4ZVNT4VMSLAA")]
    [TestCase("x")]
    public async Task What_is_no_token_opens_nothing(string token)
    {
        (await Nobody().GetAsync($"/api/shared/{token}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        Assert.That((await Nobody().GetAsync($"/shared/{token}")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [TestCase("""{"expires_in_days":0}""", "invalid_request")]
    [TestCase("""{"expires_in_days":-1}""", "invalid_request")]
    [TestCase("""{"expires_in_days":3651}""", "invalid_request")]
    [TestCase("""{"expires_in_days":1.5}""", "invalid_json")]
    [TestCase("""{"expires_in_days":"7"}""", "invalid_json")]
    [TestCase("""[]""", "invalid_json")]
    public async Task Is_400_with(string body, string code)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        (await user.PostRawAsync($"/api/chat/sessions/{session}/share", body)).ExpectProblem(HttpStatusCode.BadRequest, code);
    }

    [Test]
    public async Task What_is_too_long_and_what_is_too_much_is_refused()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        for (var number = 0; number < 100; number++)
            await ShareAsync(user, session);
        (await user.PostAsync($"/api/chat/sessions/{session}/share", null)).ExpectProblem(HttpStatusCode.Conflict, "too_many_shares");
        (await user.DeleteAsync($"/api/chat/sessions/{session}")).Expect(HttpStatusCode.OK);
        await ShareAsync(user, await user.CreateSessionAsync());

        var (other, text) = (NewUser(), new string('x', 999_999));
        var messages = Enumerable.Range(0, 5).Select(number => new { id = $"{number}", parent_id = number == 0 ? null : $"{number - 1}", role = "assistant", content = text, created_at = "2024-01-01T00:00:00Z" });
        var file = new { version = 1, sessions = new[] { new { title = "Larga", created_at = "2024-01-01T00:00:00Z", messages } } };
        var large = (await other.PostAsync("/api/chat/import", file)).Expect(HttpStatusCode.Created).Json.GetProperty("ids")[0];
        (await other.PostAsync($"/api/chat/sessions/{large}/share", null)).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
    }

    private static async Task<string> ShareAsync(ApiClient user, string session) =>
        (await user.PostAsync($"/api/chat/sessions/{session}/share", null)).Expect(HttpStatusCode.Created)["token"];
}
