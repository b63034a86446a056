using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>Lists are walked by <c>Link: rel="next"</c>, and nothing is skipped or repeated while others write.</summary>
public sealed class PagingTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Sessions = "/api/chat/sessions";

    [Test]
    public async Task Walking_the_sessions_meets_each_once_while_new_ones_are_made()
    {
        var user = NewUser();
        var made = new List<string>();
        for (var i = 0; i < 23; i++)
            made.Add(await user.CreateSessionAsync($"s{i}"));

        var walked = await WalkAsync(user, $"{Sessions}?limit=5", () => user.CreateSessionAsync("mientras tanto"));

        Assert.That(walked, Is.EqualTo(Enumerable.Reverse(made)));
    }

    [Test]
    public async Task Walking_the_messages_meets_each_once_and_the_new_ones_at_the_end()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var made = new List<string>();
        for (var i = 0; i < 11; i++)
            made.Add(await user.ImportAsync(session, $"m{i}"));

        var walked = await WalkAsync(user, $"{Sessions}/{session}/messages?limit=3", async () =>
        {
            if (made.Count < 14)
                made.Add(await user.ImportAsync(session, "mientras tanto"));
        });

        Assert.That(walked, Is.EqualTo(made));
    }

    [Test]
    public async Task A_page_without_a_limit_has_50()
    {
        var user = NewUser();
        await Task.WhenAll(Enumerable.Range(0, 55).Select(i => user.CreateSessionAsync($"s{i}")));

        var first = (await user.GetAsync(Sessions)).Expect(HttpStatusCode.OK);
        var second = (await user.GetAsync(first.NextPage()!)).Expect(HttpStatusCode.OK);

        Assert.That((first.Items.Count, second.Items.Count, second.NextPage()), Is.EqualTo((50, 5, (string?)null)));
    }

    [TestCase(1)]
    [TestCase(200)]
    public async Task The_limits_that_are_allowed_are(int limit)
    {
        var user = NewUser();
        await user.CreateSessionAsync();

        Assert.That((await user.GetAsync($"{Sessions}?limit={limit}")).Expect(HttpStatusCode.OK).Items, Has.Count.EqualTo(1));
    }

    [TestCase("limit=0")]
    [TestCase("limit=-1")]
    [TestCase("limit=201")]
    [TestCase("limit=100000")]
    [TestCase("limit=99999999999999999999")]
    [TestCase("limit=abc")]
    [TestCase("limit=1.5")]
    [TestCase("limit=")]
    [TestCase("limit=%00")]
    [TestCase("limit=5&limit=5")]
    [TestCase("limit=5&limit=6")]
    public async Task Other_limits_are_400(string query)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();

        (await user.GetAsync($"{Sessions}?{query}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        (await user.GetAsync($"{Sessions}/{session}/messages?{query}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Test]
    public async Task A_cursor_that_is_not_ours_is_400([Values("garbage", "", "AAAA", "0", "' OR 1=1 --", "..%2F..", "💥")] string value)
    {
        var user = NewUser();
        var (name, _) = await CursorAsync(user);

        var answer = await user.GetAsync($"{Sessions}?{name}={value}");

        answer.ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
    }

    [Test]
    public async Task A_cursor_given_twice_is_400()
    {
        var user = NewUser();
        var (name, value) = await CursorAsync(user);

        (await user.GetAsync($"{Sessions}?{name}={value}&{name}={value}")).Expect(HttpStatusCode.BadRequest);
    }

    [Test]
    public async Task A_changed_cursor_is_400()
    {
        var user = NewUser();
        var (name, value) = await CursorAsync(user);
        for (var i = 0; i < value.Length; i += 5)
        {
            var changed = value[..i] + (value[i] == 'A' ? 'B' : 'A') + value[(i + 1)..];

            (await user.GetAsync($"{Sessions}?{name}={changed}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
        }
    }

    [Test]
    public async Task Another_users_cursor_is_400()
    {
        var (name, value) = await CursorAsync(NewUser());
        var user = NewUser();
        await user.CreateSessionAsync();

        (await user.GetAsync($"{Sessions}?{name}={value}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
    }

    [Test]
    public async Task Another_lists_cursor_is_400()
    {
        var user = NewUser();
        var (name, value) = await CursorAsync(user);
        var one = await user.CreateSessionAsync();
        var other = await user.CreateSessionAsync();
        await user.ImportAsync(one, "uno");
        await user.ImportAsync(one, "dos");
        var ofMessages = Cursor((await user.GetAsync($"{Sessions}/{one}/messages?limit=1")).NextPage()!);

        (await user.GetAsync($"{Sessions}/{one}/messages?{name}={value}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
        (await user.GetAsync($"{Sessions}/{other}/messages?{ofMessages.Name}={ofMessages.Value}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
        (await user.GetAsync($"{Sessions}?{ofMessages.Name}={ofMessages.Value}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
    }

    [Test]
    public async Task Messages_keep_one_order_however_they_are_read()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => user.ImportAsync(session, $"m{i}")));

        var atOnce = (await user.GetAsync($"{Sessions}/{session}/messages?limit=200")).Items.Select(item => item.GetProperty("id").GetString()!).ToList();
        var byOnes = await WalkAsync(user, $"{Sessions}/{session}/messages?limit=1", () => Task.CompletedTask);

        Assert.That(atOnce, Is.EquivalentTo(answers));
        Assert.That(byOnes, Is.EqualTo(atOnce));
    }

    private static async Task<List<string>> WalkAsync(ApiClient user, string path, Func<Task> meanwhile)
    {
        var ids = new List<string>();
        for (var next = path; next is not null;)
        {
            var page = (await user.GetAsync(next)).Expect(HttpStatusCode.OK);
            ids.AddRange(page.Items.Select(item => item.GetProperty("id").GetString()!));
            await meanwhile();
            next = page.NextPage();
        }

        return ids;
    }

    private static async Task<(string Name, string Value)> CursorAsync(ApiClient user)
    {
        await user.CreateSessionAsync();
        await user.CreateSessionAsync();
        return Cursor((await user.GetAsync($"{Sessions}?limit=1")).NextPage()!);
    }

    private static (string Name, string Value) Cursor(string path)
    {
        var pair = path.Split('?')[1].Split('&').Single(part => !part.StartsWith("limit=", StringComparison.Ordinal)).Split('=', 2);
        return (pair[0], pair[1]);
    }
}
