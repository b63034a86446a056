using System.Net;
using System.Text.RegularExpressions;
using ChatApi.Tests.Support;
using ChatApi.Tests.Web.Sessions;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>What people expect of a chat beside the talk itself: other replies, other questions, search, undo, files, links.</summary>
public sealed class FeatureTests : DemoPageSuite
{
    [Test]
    public async Task A_reply_is_made_anew_and_both_can_be_looked_at()
    {
        var replies = new Queue<string>(["Primera", "Segunda"]);
        var question = Model.Ask(() => ScriptedUpstreamReply.Text(replies.Count > 0 ? replies.Dequeue() : "Otra"));
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, question);
        await ExpectIdleAsync(page);

        await page.Find(".message.assistant .regenerate").ClickAsync();
        await Expect(page.Find(".message.assistant .text")).ToHaveTextAsync("Segunda");
        var index = page.Find(".message.assistant .sibling-index");
        await Expect(index).ToHaveTextAsync("2 of 2");
        await page.KeepPictureAsync("regenerated");
        await page.Find(".message.assistant .siblings button").First.ClickAsync();
        await Expect(page.Find(".message.assistant .text")).ToHaveTextAsync("Primera");
        await Expect(index).ToHaveTextAsync("1 of 2");
        await Expect(page.Find(".message.assistant .siblings button").Last).ToBeFocusedAsync();
        await page.Tab.ReloadAsync();
        await Expect(index).ToHaveTextAsync("1 of 2");
        Assert.That(await TextsAsync(page), Is.EqualTo(new[] { question, "Primera" }));
    }

    [Test]
    public async Task A_question_is_edited_and_the_one_before_stays()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "uno");
        await ExpectIdleAsync(page);
        await page.Find("#content").FillAsync("un borrador");

        await page.Find(".message.user .edit").ClickAsync();
        await Expect(page.Find("#content")).ToHaveValueAsync("uno");
        await Expect(page.Find("#editing")).ToBeVisibleAsync();
        await page.Find("#content").PressAsync("Escape");
        await Expect(page.Find("#content")).ToHaveValueAsync("un borrador");
        await page.Find(".message.user .edit").ClickAsync();
        await page.Find("#content").FillAsync("dos");
        await page.KeepPictureAsync("editing");
        await page.Find("#content").PressAsync("Enter");
        await Expect(page.Find(".message.user .sibling-index")).ToHaveTextAsync("2 of 2");
        await ExpectIdleAsync(page);

        Assert.That(await TextsAsync(page), Is.EqualTo(new[] { "dos", ModelScripts.DefaultReply }));
        await page.Find(".message.user .siblings button").First.ClickAsync();
        await Expect(page.Find(".message.user .text")).ToHaveTextAsync("uno");
    }

    [Test]
    public async Task A_reply_made_anew_that_fails_gives_its_place_back_and_says_so()
    {
        var question = ModelScripts.NewQuestion();
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, question);
        await ExpectIdleAsync(page);
        Model.On(question, ScriptedUpstreamReply.Status(400, "{}"));

        await page.Find(".message.assistant .regenerate").ClickAsync();
        await Expect(page.Find("#chat-notice")).ToBeVisibleAsync();
        await Expect(page.Find(".message.assistant .text")).ToHaveTextAsync(ModelScripts.DefaultReply);
        await ExpectIdleAsync(page);
    }

    [Test]
    public async Task Settings_are_kept_and_the_model_heeds_them()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "uno");
        await ExpectIdleAsync(page);

        await page.Find("#session-settings").ClickAsync();
        await Expect(page.Find("#settings-dialog")).ToBeVisibleAsync();
        await Expect(page.Find("#model option")).ToHaveTextAsync(["gpt-4o-mini (default)"]);
        await page.Find("#system-prompt").FillAsync("Sé breve.");
        await page.Find("#temperature").FillAsync("0.3");
        await page.Find("#top-p").FillAsync("0.9");
        await page.Find("#max-output-tokens").FillAsync("77");
        await page.Find("#stop-words").FillAsync("FIN\n***");
        await page.KeepPictureAsync("settings");
        await page.Find("#settings-dialog [type=submit]").ClickAsync();
        await Expect(page.Find("#settings-dialog")).ToBeHiddenAsync();
        var question = ModelScripts.NewQuestion();
        await SendAsync(page, question);
        await Expect(page.Find(".message.assistant")).ToHaveCountAsync(2);
        await ExpectIdleAsync(page);

        var call = Model.CallsFor(question).Single().Json;
        Assert.That(
            (call.GetProperty("messages")[0].GetProperty("content").GetString(), call.GetProperty("temperature").GetDouble()), Is.EqualTo(("Sé breve.", 0.3)));
        Assert.That(call.GetProperty("top_p").GetDouble(), Is.EqualTo(0.9));
        Assert.That(call.GetProperty("stop").EnumerateArray().Select(text => text.GetString()), Is.EqualTo(new[] { "FIN", "***" }));
        await page.Find("#session-settings").ClickAsync();
        await Expect(page.Find("#system-prompt")).ToHaveValueAsync("Sé breve.");
        await Expect(page.Find("#max-output-tokens")).ToHaveValueAsync("77");
    }

    [Test]
    public async Task An_opinion_is_given_and_taken_back()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "uno");
        await ExpectIdleAsync(page);
        var (up, down) = (page.Find(".message.assistant .rate").First, page.Find(".message.assistant .rate").Last);

        await up.ClickAsync();
        await Expect(up).ToHaveAttributeAsync("aria-pressed", "true");
        await down.ClickAsync();
        await Expect(down).ToHaveAttributeAsync("aria-pressed", "true");
        await Expect(up).ToHaveAttributeAsync("aria-pressed", "false");
        await page.Tab.ReloadAsync();
        await Expect(down).ToHaveAttributeAsync("aria-pressed", "true");
        await down.ClickAsync();
        await Expect(down).ToHaveAttributeAsync("aria-pressed", "false");
        await page.Tab.ReloadAsync();
        await Expect(down).ToHaveAttributeAsync("aria-pressed", "false");
    }

    [Test]
    public async Task Conversations_are_searched_by_what_was_said()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "Háblame del canguro");
        await ExpectIdleAsync(page);
        await page.Find("#new-session").ClickAsync();
        await SendAsync(page, "Háblame del pingüino");
        await ExpectIdleAsync(page);
        await Expect(page.Find("#session-list li")).ToHaveCountAsync(2);

        await page.Find("#search").FillAsync("PINGUIN");
        await Expect(page.Find("#session-list li")).ToHaveCountAsync(1);
        await Expect(page.Find("#session-list .snippet")).ToContainTextAsync("pingüino");
        await page.KeepPictureAsync("search");
        await page.Find("#search").FillAsync("elefante");
        await Expect(page.Find("#search-empty")).ToBeVisibleAsync();
        await page.Find("#search").FillAsync("");
        await Expect(page.Find("#session-list li")).ToHaveCountAsync(2);
    }

    [Test]
    public async Task A_deleted_conversation_comes_back()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "uno");
        await ExpectIdleAsync(page);

        await page.Find("#delete-session").ClickAsync();
        await page.Find("#delete-dialog [type=submit]").ClickAsync();
        await Expect(page.Find("#session-list li")).ToHaveCountAsync(0);
        await Expect(page.Find("#chat-notice")).ToContainTextAsync("has been deleted");
        await page.KeepPictureAsync("deleted");
        await page.Find("#chat-notice button").ClickAsync();
        await Expect(page.Find("#session-list li")).ToHaveCountAsync(1);
        await Expect(page.Find(".message")).ToHaveCountAsync(2);
    }

    [TestCase("markdown", "uno")]
    [TestCase("json", "\"version\"")]
    public async Task A_conversation_is_saved_as_a_file(string format, string content)
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "uno");
        await ExpectIdleAsync(page);

        await page.Find("#export-session").ClickAsync();
        await page.Find("#export-format").SelectOptionAsync(format);
        var download = await page.Tab.RunAndWaitForDownloadAsync(() => page.Find("#export-dialog [type=submit]").ClickAsync());

        Assert.That(download.SuggestedFilename, Does.EndWith(format == "markdown" ? ".md" : ".json"));
        Assert.That(await File.ReadAllTextAsync((await download.PathAsync())!), Does.Contain(content));
    }

    [Test]
    public async Task A_conversation_is_shared_by_a_link_that_anybody_can_open()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "uno <b>dos</b>");
        await ExpectIdleAsync(page);

        await page.Find("#share-session").ClickAsync();
        await page.Find("#share-submit").ClickAsync();
        await Expect(page.Find("#share-link")).ToBeVisibleAsync();
        await page.KeepPictureAsync("share");
        var link = await page.Find("#share-link").InputValueAsync();
        var visitor = await OpenAsync();
        await visitor.Tab.GotoAsync(link);

        await Expect(visitor.Tab.Locator("body")).ToContainTextAsync("uno <b>dos</b>");
        await Expect(visitor.Tab.Locator("body")).ToContainTextAsync(ModelScripts.DefaultReply);
        await visitor.KeepPictureAsync("shared");
    }

    [Test]
    public async Task Conversations_are_pinned_archived_and_brought_back_from_the_trash()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "La primera");
        await ExpectIdleAsync(page);
        await page.Find("#new-session").ClickAsync();
        await SendAsync(page, "La segunda");
        await ExpectIdleAsync(page);
        var names = page.Find("#session-list .session-name");

        await page.Find("#pin-session").ClickAsync();
        await Expect(page.Find("#pin-session")).ToHaveAttributeAsync("aria-pressed", "true");
        await Expect(page.Find("#session-list .pinned:not([hidden])")).ToHaveCountAsync(1);
        await page.Find("#session-list a").Last.ClickAsync();
        await Expect(page.Find("#session-title")).ToHaveTextAsync("La primera");
        await page.Find("#archive-session").ClickAsync();
        await Expect(names).ToHaveCountAsync(1);
        await Expect(page.Find("#session-list a[aria-current]")).ToHaveCountAsync(0);
        await Expect(page.Find("#archive-session")).ToHaveAttributeAsync("aria-pressed", "true");
        await page.Find("#session-filter").SelectOptionAsync("archived");
        await Expect(page.Find("#session-list a[aria-current]")).ToHaveCountAsync(1);
        await Expect(names).ToHaveCountAsync(1);
        await page.Find("#archive-session").ClickAsync();
        await Expect(names).ToHaveCountAsync(0);
        await page.Find("#session-filter").SelectOptionAsync("pinned");
        await Expect(page.Find("#session-list .pinned:not([hidden])")).ToHaveCountAsync(1);

        await page.Find("#delete-session").ClickAsync();
        await page.Find("#delete-dialog [type=submit]").ClickAsync();
        await page.Find("#session-filter").SelectOptionAsync("deleted");
        await Expect(page.Find("#search")).ToBeDisabledAsync();
        await page.KeepPictureAsync("trash");
        await page.Find("#session-list .restore").ClickAsync();
        await Expect(names).ToHaveCountAsync(0);
        await Expect(page.Find(".message.user .text")).ToHaveTextAsync("La primera");
        await page.Find("#session-filter").SelectOptionAsync("active");
        await Expect(names).ToHaveCountAsync(2);
    }

    [Test]
    public async Task What_was_used_and_shared_is_shown_and_files_are_saved_and_taken_in()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "uno");
        await ExpectIdleAsync(page);
        await page.Find("#share-session").ClickAsync();
        await page.Find("#share-submit").ClickAsync();
        await Expect(page.Find("#share-link")).ToBeVisibleAsync();
        var link = await page.Find("#share-link").InputValueAsync();
        await page.Tab.Keyboard.PressAsync("Escape");

        await page.Find("#mine").ClickAsync();
        await Expect(page.Find("#usage-today")).ToHaveTextAsync(new Regex("^1 replies, [1-9][0-9]* tokens$"));
        await Expect(page.Find("#links li")).ToHaveCountAsync(1);
        await page.KeepPictureAsync("mine");
        var download = await page.Tab.RunAndWaitForDownloadAsync(() => page.Find("#export-all").ClickAsync());
        await page.Find("#links button").ClickAsync();
        await Expect(page.Find("#links-empty")).ToBeVisibleAsync();
        await page.Find("#import").SetInputFilesAsync(new FilePayload
        {
            Name = "chats.json",
            MimeType = "application/json",
            Buffer = await File.ReadAllBytesAsync((await download.PathAsync())!),
        });
        await Expect(page.Find("#imported")).ToHaveTextAsync("1 conversations with 2 messages were taken in.");
        await Expect(page.Find("#session-list li")).ToHaveCountAsync(2);
        ExpectProblem("status of 400");
        await page.Find("#import").SetInputFilesAsync(new FilePayload { Name = "no.json", MimeType = "application/json", Buffer = "[1"u8.ToArray() });
        await Expect(page.Find("#mine-dialog .notice")).ToBeVisibleAsync();
        await page.Find("#mine-dialog [type=submit]").ClickAsync();
        await Expect(page.Find("#mine-dialog")).ToBeHiddenAsync();
        using var http = new HttpClient();
        Assert.That((await http.GetAsync(new Uri(link))).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task The_title_that_the_server_makes_takes_the_place_of_the_questions_beginning()
    {
        await using var world = await TitleWorld.StartAsync(Storage.Sqlite);
        var page = await OpenAsync(server: world.Cluster.Replicas[0]);
        await RegisterAsync(page);
        await SendAsync(page, world.Ask(ScriptedUpstreamReply.Text("Un título del modelo")));
        await ExpectIdleAsync(page);

        await Expect(page.Find("#session-title")).ToHaveTextAsync("Un título del modelo");
        await Expect(page.Find("#session-list .session-name")).ToHaveTextAsync("Un título del modelo");
    }

    [Test]
    public async Task A_question_that_is_refused_when_it_is_edited_is_not_lost()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "uno");
        await ExpectIdleAsync(page);
        ExpectProblem("status of 400");

        await page.Find(".message.user .edit").ClickAsync();
        await page.Find("#content").FillAsync(new string('x', 32_001));
        await page.Find("#content").PressAsync("Enter");
        await Expect(page.Find("#chat-notice")).ToContainTextAsync("too long");
        await Expect(page.Find("#editing")).ToBeVisibleAsync();
        Assert.That(await page.Find("#content").InputValueAsync(), Has.Length.EqualTo(32_001));
        Assert.That(await TextsAsync(page), Is.EqualTo(new[] { "uno", ModelScripts.DefaultReply }));
    }
}
