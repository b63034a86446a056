using System.Globalization;
using System.Net;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>Making, reading, renaming and deleting sessions.</summary>
public sealed class SessionTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Path = "/api/chat/sessions";

    [Test]
    public async Task A_new_session_is_the_users_and_has_a_location()
    {
        var user = NewUser();

        var answer = (await user.PostAsync(Path, new { title = "Recetas 🍲" })).Expect(HttpStatusCode.Created);

        Assert.That(Guid.Parse(answer["id"]).Version, Is.EqualTo(7));
        Assert.That((answer["user_id"], answer["title"]), Is.EqualTo((user.UserId.ToString(), "Recetas 🍲")));
        Assert.That(answer["created_at"], Does.EndWith("Z"));
        Assert.That(answer["updated_at"], Does.EndWith("Z"));
        Assert.That(answer.Json.TryGetProperty("last_message_at", out _), Is.True);
        Assert.That(Time(answer, "created_at"), Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(1)));
        var location = new Uri(answer.Address, answer.Header("Location")!);
        Assert.That((await user.GetAsync(location.PathAndQuery)).Expect(HttpStatusCode.OK).Text, Is.EqualTo(answer.Text));
    }

    [Test]
    public async Task The_body_is_optional()
    {
        var user = NewUser();
        using var nothing = new HttpRequestMessage(HttpMethod.Post, Path);

        var answers = new[] { await user.SendAsync(nothing), await user.PostRawAsync(Path, "{}"), await user.PostRawAsync(Path, """{"title":null}""") };

        foreach (var answer in answers)
            Assert.That(answer.Expect(HttpStatusCode.Created)["title"], Is.Not.Null.And.Not.Empty);
    }

    [Test]
    public async Task Sessions_are_a_bare_array_last_active_first()
    {
        var user = NewUser();
        var first = await user.CreateSessionAsync("uno");
        var second = await user.CreateSessionAsync("dos");
        var third = await user.CreateSessionAsync("tres");
        await user.ImportAsync(first, "Algo nuevo");

        var list = (await user.GetAsync(Path)).Expect(HttpStatusCode.OK);

        Assert.That(list.Json.ValueKind, Is.EqualTo(JsonValueKind.Array));
        Assert.That(Ids(list), Is.EqualTo([first, third, second]));
        Assert.That(list.Header("Link"), Is.Null);
    }

    [Test]
    public async Task Nobody_sees_another_users_sessions()
    {
        await NewUser().CreateSessionAsync("ajena");

        Assert.That((await NewUser().GetAsync(Path)).Expect(HttpStatusCode.OK).Text, Is.EqualTo("[]"));
    }

    [TestCase("PUT")]
    [TestCase("PATCH")]
    public async Task A_title_can_be_changed(string method)
    {
        var user = NewUser();
        var id = await user.CreateSessionAsync("antes");
        var before = await user.GetAsync($"{Path}/{id}");

        var changed = (await user.SendAsync(HttpMethod.Parse(method), $"{Path}/{id}", new { title = "después" })).Expect(HttpStatusCode.OK);
        var read = await user.GetAsync($"{Path}/{id}");

        Assert.That(changed["title"], Is.EqualTo("después"));
        Assert.That(read.Text, Is.EqualTo(changed.Text));
        Assert.That(Time(changed, "updated_at"), Is.GreaterThan(Time(before, "updated_at")));
        Assert.That(changed["created_at"], Is.EqualTo(before["created_at"]));
    }

    [TestCase("PUT")]
    [TestCase("PATCH")]
    public async Task What_the_server_owns_cannot_be_changed(string method)
    {
        var user = NewUser();
        var id = await user.CreateSessionAsync("antes");
        var stranger = Guid.CreateVersion7();

        var changed = await user.SendAsync(HttpMethod.Parse(method), $"{Path}/{id}", new
        {
            title = "después",
            id = stranger,
            user_id = stranger,
            created_at = "2001-01-01T00:00:00Z",
            updated_at = "2001-01-01T00:00:00Z",
            last_message_at = "2001-01-01T00:00:00Z",
            no_such_field = 1,
        });

        Assert.That((changed.Expect(HttpStatusCode.OK)["id"], changed["user_id"]), Is.EqualTo((id, user.UserId.ToString())));
        Assert.That(changed.Text, Does.Not.Contain("2001-"));
    }

    [Test]
    public async Task What_the_server_owns_cannot_be_given()
    {
        var user = NewUser();
        var stranger = Guid.CreateVersion7();

        var made = await user.PostAsync(Path, new { title = "x", id = stranger, user_id = stranger, created_at = "2001-01-01T00:00:00Z" });

        Assert.That(made.Expect(HttpStatusCode.Created)["id"], Is.Not.EqualTo(stranger.ToString()));
        Assert.That(made["user_id"], Is.EqualTo(user.UserId.ToString()));
        Assert.That(made.Text, Does.Not.Contain("2001-"));
    }

    [Test]
    public async Task Deleting_gives_the_session_back_and_takes_its_messages()
    {
        var user = NewUser();
        var id = await user.CreateSessionAsync("adiós");
        var message = await user.ImportAsync(id, "también");

        var deleted = await user.DeleteAsync($"{Path}/{id}");

        Assert.That((deleted.Expect(HttpStatusCode.OK)["id"], deleted["title"]), Is.EqualTo((id, "adiós")));
        foreach (var gone in new[] { $"{Path}/{id}", $"{Path}/{id}/messages", $"/api/chat/messages/{message}" })
            (await user.GetAsync(gone)).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.DeleteAsync($"{Path}/{id}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    [TestCase(201)]
    [TestCase(5000)]
    public async Task A_title_that_is_too_long_is_400(int length)
    {
        var user = NewUser();
        var id = await user.CreateSessionAsync();

        (await user.PostAsync(Path, new { title = new string('x', length) })).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        (await user.PatchAsync($"{Path}/{id}", new { title = new string('x', length) })).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
    }

    [TestCase("a\nb")]
    [TestCase("a\tb")]
    [TestCase("a\u001bb")]
    [TestCase("a\u0085b")]
    [TestCase("a\u0000b")]
    public async Task A_title_with_control_characters_is_400(string title) =>
        (await NewUser().PostAsync(Path, new { title })).Expect(HttpStatusCode.BadRequest);

    [TestCase("<script>alert(1)</script>")]
    [TestCase("'; DROP TABLE chat_sessions; --")]
    [TestCase("{{7*7}} ${7*7} %s %n")]
    public async Task A_strange_title_is_stored_as_it_is(string title)
    {
        var user = NewUser();

        var made = (await user.PostAsync(Path, new { title })).Expect(HttpStatusCode.Created);

        Assert.That(made["title"], Is.EqualTo(title));
        Assert.That((await user.GetAsync($"{Path}/{made["id"]}"))["title"], Is.EqualTo(title));
    }

    [Test]
    public async Task A_title_of_200_characters_is_stored_whole()
    {
        var title = string.Concat(Enumerable.Repeat("ñ", 200));

        Assert.That((await NewUser().PostAsync(Path, new { title })).Expect(HttpStatusCode.Created)["title"], Is.EqualTo(title));
    }

    [Test]
    public async Task Sessions_made_at_the_same_time_are_all_there()
    {
        var user = NewUser();

        var made = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => user.CreateSessionAsync($"s{i}")));

        Assert.That(Ids(await user.GetAsync(Path)), Is.EquivalentTo(made));
    }

    private static IEnumerable<string> Ids(ApiAnswer list) => list.Items.Select(item => item.GetProperty("id").GetString()!);

    private static DateTimeOffset Time(ApiAnswer answer, string property) =>
        DateTimeOffset.Parse(answer[property], CultureInfo.InvariantCulture);
}
