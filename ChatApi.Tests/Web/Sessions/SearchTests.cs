using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>Lists of what is pinned, archived, or has certain words; both databases find the same.</summary>
public sealed class SearchTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Path = "/api/chat/sessions";

    [TestCase("El Ñandú corre", "nandu")]
    [TestCase("El nandu corre", "ÑANDÚ")]
    [TestCase("Crème brûlée", "creme BRULEE")]
    [TestCase("Cre\u0300me bru\u0302le\u0301e", "crème brûlée")]
    [TestCase("Über die Straße", "uber straße")]
    [TestCase("İstanbul ve Iğdır", "istanbul igd")]
    [TestCase("Igdir", "İğ")]
    [TestCase("Ο Σωκράτης ΣΟΦΟΣ", "σωκρατης σοφος")]
    [TestCase("Война и мир", "ВОЙНА МИР")]
    [TestCase("東京都に住んでいます", "東京")]
    [TestCase("행복하다, 한국어로", "한국")]
    [TestCase("مرحبا بالعالم", "مرحبا")]
    [TestCase("Sopa 🍲 de tomate", "🍲 sopa")]
    [TestCase("see www.example.com/some_path?a=b-c", "example path some c")]
    [TestCase("<b>bold</b>&amp;more", "bold more")]
    [TestCase("version-1.25, -3 items", "25 3")]
    [TestCase("one two three", "THR, (two)")]
    [TestCase("it's 100% \"quoted\" and 'so'", "100 quoted so")]
    [TestCase("¿Qué?¡Vamos!", "que vamos")]
    public async Task Words_are_found_by_their_beginnings_whatever_their_case_and_accents(string text, string query)
    {
        var user = NewUser();
        var inMessage = await user.CreateSessionAsync("otra cosa");
        var message = await user.ImportAsync(inMessage, $"Antes. {text} después");
        var inTitle = await user.CreateSessionAsync(text);
        await user.ImportAsync(inTitle, "nada de eso");
        await user.ImportAsync(await user.CreateSessionAsync("ni esto"), "ni aquello");

        var found = await FindAsync(user, query);

        Assert.That(Ids(found), Is.EqualTo([inTitle, inMessage]));
        Assert.That(found.Items[0].GetProperty("snippet").ValueKind, Is.EqualTo(System.Text.Json.JsonValueKind.Null));
        Assert.That(found.Items[1].GetProperty("snippet").GetProperty("message_id").GetString(), Is.EqualTo(message));
        Assert.That(found.Items[1].GetProperty("snippet").GetProperty("text").GetString(), Is.EqualTo($"Antes. {text} después"));
    }

    [TestCase("tomate", "mate")]
    [TestCase("uno dos", "uno tres")]
    [TestCase("100 percent", "%")]
    [TestCase("snake_case", "snakecase")]
    [TestCase("words", "*")]
    [TestCase("words", "' | 'nothing")]
    [TestCase("words", "words AND nothing")]
    [TestCase("words", "NEAR(words words)")]
    [TestCase("words", "content:words")]
    [TestCase("words", "🍲")]
    [TestCase("words", "\\")]
    public async Task What_does_not_begin_a_word_is_not_found(string text, string query)
    {
        var user = NewUser();
        await user.ImportAsync(await user.CreateSessionAsync("otra cosa"), text);

        Assert.That((await FindAsync(user, query)).Text, Is.EqualTo("[]"));
    }

    [Test]
    public async Task The_words_must_be_in_the_same_message()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync("tercero");
        await user.ImportAsync(session, "primero");
        await user.ImportAsync(session, "segundo");

        Assert.That((await FindAsync(user, "primero segundo")).Text, Is.EqualTo("[]"));
        Assert.That((await FindAsync(user, "tercero segundo")).Text, Is.EqualTo("[]"));
        Assert.That(Ids(await FindAsync(user, "segundo")), Is.EqualTo([session]));
    }

    [Test]
    public async Task Nobody_finds_what_is_somebody_elses()
    {
        var owner = NewUser();
        await owner.ImportAsync(await owner.CreateSessionAsync("secreto"), "secreto");

        Assert.That((await FindAsync(NewUser(), "secreto")).Text, Is.EqualTo("[]"));
        Assert.That((await FindAsync(owner, "secreto")).Items, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Questions_and_replies_are_found_as_soon_as_they_are_stored_and_not_when_they_are_deleted()
    {
        var user = NewUser();
        var answer = (await user.PostAsync("/api/chat", new { content = Model.Ask(ScriptedUpstreamReply.Text("Un ", "murcié", "lago vuela")) })).Expect(HttpStatusCode.OK);
        var (session, reply) = (answer["session_id"], answer.Json.GetProperty("assistant_message").GetProperty("id").GetString());

        var byReply = await FindAsync(user, "murcielago");
        Assert.That(byReply.Items[0].GetProperty("snippet").GetProperty("message_id").GetString(), Is.EqualTo(reply));
        Assert.That(Ids(await FindAsync(user, "pregunta")), Is.EqualTo([session]));

        (await user.DeleteAsync($"/api/chat/messages/{reply}")).Expect(HttpStatusCode.OK);
        Assert.That((await FindAsync(user, "murcielago")).Text, Is.EqualTo("[]"));
        (await user.DeleteAsync($"{Path}/{session}")).Expect(HttpStatusCode.OK);
        Assert.That((await FindAsync(user, "pregunta")).Text, Is.EqualTo("[]"));
        (await user.PostAsync($"{Path}/{session}/restore", null)).Expect(HttpStatusCode.OK);
        Assert.That(Ids(await FindAsync(user, "pregunta")), Is.EqualTo([session]));
    }

    [Test]
    public async Task The_newest_message_is_shown_and_of_a_long_one_the_part_with_the_word()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await user.ImportAsync(session, "aguja primero");
        var long1 = string.Concat(Enumerable.Repeat("paja\n 🌾 ", 300));
        var newest = await user.ImportAsync(session, $"{long1} la Agujá está {long1}");

        var snippet = (await FindAsync(user, "aguja")).Items.Single().GetProperty("snippet");

        var text = snippet.GetProperty("text").GetString()!;
        Assert.That(snippet.GetProperty("message_id").GetString(), Is.EqualTo(newest));
        Assert.That(text, Does.Contain(" la Agujá está paja ").And.StartWith("…").And.EndWith("…").And.Not.Contain("\n").And.Not.Contain("\uFFFD"));
        Assert.That(text.Length, Is.InRange(80, 165));
    }

    /// <summary>Both ways of PostgreSQL's: words that nearly all sessions have, and words that few have.</summary>
    [TestCase("comun", 45)]
    [TestCase("raro", 9)]
    [TestCase("unico", 1)]
    [TestCase("titul", 5)]
    public async Task Walking_what_is_found_meets_each_once_while_others_write(string query, int count)
    {
        var user = NewUser();
        var expected = new List<string>();
        for (var i = 0; i < 45; i++)
        {
            var session = await user.CreateSessionAsync(i % 9 == 3 ? "Título" : "x");
            await user.ImportAsync(session, $"común {(i % 5 == 1 ? "raro" : "")} {(i == 7 ? "único" : "")}");
            await user.ImportAsync(session, "otra cosa");
            if (query == "comun" || (query == "raro" && i % 5 == 1) || (query == "unico" && i == 7) || (query == "titul" && i % 9 == 3))
                expected.Insert(0, session);
        }

        Assert.That(expected, Has.Count.EqualTo(count));
        foreach (var limit in new[] { 200, 50, 7 })
            Assert.That(await WalkAsync(user, $"{Path}?q={query}&limit={limit}"), Is.EqualTo(expected), $"{limit} at a time");
        Assert.That(
            await WalkAsync(
                user, $"{Path}?q={query}&limit=2",
                async () => await user.ImportAsync(await user.CreateSessionAsync(), "común raro único título")),
            Is.EqualTo(expected));
    }

    /// <summary>PostgreSQL asks its index for the newest few hundred conversations first.</summary>
    [Test]
    public async Task What_is_found_far_back_is_found_too()
    {
        const int Sessions = 300;
        var user = NewUser();
        var sessions = Enumerable.Range(0, Sessions).Select(age => (object)new
        {
            title = "x",
            created_at = At(age),
            messages = new[] { new { id = "1", role = "user", content = $"otra cosa {(age % 3 == 1 ? "hilo" : "")} {(age >= 298 ? "aguja" : "")}", created_at = At(age) } },
        });
        var imported = (await user.PostAsync("/api/chat/import", new { version = 1, sessions })).Expect(HttpStatusCode.Created);
        var ids = imported.Json.GetProperty("ids").EnumerateArray().Select(id => id.GetString()!).ToList();

        Assert.That(Ids(await FindAsync(user, "aguja")), Is.EqualTo(ids.TakeLast(2)));
        Assert.That(await WalkAsync(user, $"{Path}?q=hilo"), Is.EqualTo(ids.Where((_, age) => age % 3 == 1)));
        Assert.That(Ids(await FindAsync(user, "aguja hilo")), Is.EqualTo([ids[298]]));

        static DateTime At(int age) => new DateTime(2024, 3, 1, 12, 0, 0, DateTimeKind.Utc).AddMinutes(-age);
    }

    [Test]
    public async Task What_is_archived_is_in_no_list_but_its_own()
    {
        var user = NewUser();
        var shown = await user.CreateSessionAsync("palabra");
        var archived = await user.CreateSessionAsync("palabra");
        await user.ImportAsync(archived, "palabra");
        (await user.PatchAsync($"{Path}/{archived}", new { archived = true })).Expect(HttpStatusCode.OK);

        Assert.That(Ids(await user.GetAsync(Path)), Is.EqualTo([shown]));
        Assert.That(Ids(await user.GetAsync($"{Path}?archived=false")), Is.EqualTo([shown]));
        Assert.That(Ids(await user.GetAsync($"{Path}?archived=true")), Is.EqualTo([archived]));
        Assert.That(Ids(await FindAsync(user, "palabra")), Is.EqualTo([shown]));
        Assert.That(Ids(await user.GetAsync($"{Path}?q=palabra&archived=true")), Is.EqualTo([archived]));
        (await user.GetAsync($"{Path}/{archived}")).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task What_is_pinned_can_be_listed_alone()
    {
        var user = NewUser();
        var made = new List<string>();
        for (var i = 0; i < 7; i++)
            made.Insert(0, await user.CreateSessionAsync("palabra"));
        foreach (var pinned in made.Where((_, i) => i % 2 == 0))
            (await user.PatchAsync($"{Path}/{pinned}", new { pinned = true })).Expect(HttpStatusCode.OK);

        Assert.That(Ids(await user.GetAsync(Path)), Is.EqualTo(made), "Pinned or not, the order is that of the old front ends.");
        Assert.That(await WalkAsync(user, $"{Path}?pinned=true&limit=2"), Is.EqualTo(made.Where((_, i) => i % 2 == 0)));
        Assert.That(await WalkAsync(user, $"{Path}?pinned=false&limit=2"), Is.EqualTo(made.Where((_, i) => i % 2 == 1)));
        Assert.That(await WalkAsync(user, $"{Path}?q=palabra&pinned=true&limit=3"), Is.EqualTo(made.Where((_, i) => i % 2 == 0)));
    }

    [Test]
    public async Task A_cursor_belongs_to_its_words_and_filters()
    {
        var user = NewUser();
        for (var i = 0; i < 3; i++)
            await user.CreateSessionAsync("palabra");
        var next = (await FindAsync(user, "palabra", "&limit=1")).NextPage()!;

        (await user.GetAsync(next)).Expect(HttpStatusCode.OK);
        (await user.GetAsync(next.Replace("q=palabra", "q=otra", StringComparison.Ordinal))).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
        (await user.GetAsync(next.Replace("q=palabra&", "", StringComparison.Ordinal))).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
        (await user.GetAsync(next + "&pinned=true")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
        (await user.GetAsync(next + "&archived=true")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_cursor");
    }

    [Test]
    public async Task A_blank_search_is_the_whole_list_and_one_that_is_too_long_is_400()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync("palabra");

        Assert.That(Ids(await user.GetAsync($"{Path}?q=")), Is.EqualTo([session]));
        Assert.That(Ids(await FindAsync(user, "  ")), Is.EqualTo([session]));
        Assert.That((await FindAsync(user, new string('x', 200))).Text, Is.EqualTo("[]"));
        (await FindAsync(user, new string('x', 201), status: HttpStatusCode.BadRequest)).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        foreach (var query in new[] { "pinned=maybe", "archived=2", "deleted=x", "q=a%00b", "q=a&deleted=true" })
            (await user.GetAsync($"{Path}?{query}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Test]
    public async Task Words_of_any_length_are_stored_and_searched()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync("otra cosa");
        foreach (var text in new[] { new string('x', 31_000), new string('각', 10_000), string.Concat(Enumerable.Range(0, 4000).Select(i => $"w{i} ")), new string('é', 2040), new string('y', 2040) })
            await user.ImportAsync(session, $"{text} después");

        Assert.That(Ids(await FindAsync(user, "despues")), Is.EqualTo([session]));
        Assert.That(Ids(await FindAsync(user, "w3999")), Is.EqualTo([session]));
        Assert.That(Ids(await FindAsync(user, string.Join(' ', Enumerable.Range(0, 16).Select(i => $"w{i}")))), Is.EqualTo([session]));
    }

    private static async Task<ApiAnswer> FindAsync(ApiClient user, string query, string more = "", HttpStatusCode status = HttpStatusCode.OK) =>
        (await user.GetAsync($"{Path}?q={Uri.EscapeDataString(query)}{more}")).Expect(status);

    private static async Task<List<string>> WalkAsync(ApiClient user, string path, Func<Task>? meanwhile = null)
    {
        var ids = new List<string>();
        for (var next = path; next is not null;)
        {
            var page = (await user.GetAsync(next)).Expect(HttpStatusCode.OK);
            ids.AddRange(Ids(page));
            next = page.NextPage();
            if (meanwhile is not null && ids.Count < 8)
                await meanwhile();
        }

        return ids;
    }

    private static IEnumerable<string> Ids(ApiAnswer list) => list.Items.Select(item => item.GetProperty("id").GetString()!);
}
