using System.Net.Http.Headers;
using System.Text;
using ChatApi.Tests.Support;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>A conversation in the browser: what is sent, the reply as it grows, and what becomes of it when something breaks.</summary>
public sealed class ConversationTests : DemoPageSuite
{
    [Test]
    public async Task A_new_account_chats_watches_the_reply_grow_and_finds_it_after_a_reload()
    {
        var (second, third) = (new TaskCompletionSource(), new TaskCompletionSource());
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role()
            .Delta("Hola.").WaitFor(second.Task).Delta("\n\n¿Qué tal? 👋🏽").WaitFor(third.Task).Delta(" Adiós.").Finish().Usage(9, 3).Done());
        var page = await OpenAsync();
        await page.KeepPictureAsync("sign-in");
        await RegisterAsync(page, "Ana");
        await page.KeepPictureAsync("welcome");

        await SendAsync(page, question);
        var reply = page.Find(".message.assistant .text");
        await Expect(reply).ToHaveTextAsync("Hola.");
        await Expect(page.Find(".message.assistant")).ToHaveAttributeAsync("aria-busy", "true");
        var first = await reply.InnerTextAsync();
        second.SetResult();
        await Expect(reply).ToContainTextAsync("¿Qué tal?");
        var longer = await reply.InnerTextAsync();
        await page.KeepPictureAsync("streaming");
        third.SetResult();
        await ExpectIdleAsync(page);

        Assert.That((first, longer), Is.EqualTo(("Hola.", "Hola.\n\n¿Qué tal? 👋🏽")));
        var whole = new[] { question, "Hola.\n\n¿Qué tal? 👋🏽 Adiós." };
        Assert.That(await TextsAsync(page), Is.EqualTo(whole));
        await Expect(page.Find("#announcer")).ToContainTextAsync("Adiós.");
        await Expect(page.Find("#session-list a[aria-current=page]")).ToContainTextAsync(question);
        await Expect(page.Tab).ToHaveTitleAsync($"{question} · ChatApi");

        await page.Tab.ReloadAsync();
        await Expect(page.Find(".message")).ToHaveCountAsync(2);
        Assert.That(await TextsAsync(page), Is.EqualTo(whole));
        await Expect(page.Find("#who")).ToHaveTextAsync("Ana");
        await Expect(page.Find("#session-list a[aria-current=page]")).ToContainTextAsync("Nueva conversación");
        await Expect(page.Tab).ToHaveTitleAsync("Nueva conversación · ChatApi");
        await page.KeepPictureAsync("history");
    }

    [Test]
    public async Task A_reload_in_mid_reply_finds_it_again()
    {
        var gate = new TaskCompletionSource();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Uno, ").WaitFor(gate.Task).Delta("dos.").Finish().Done());
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, question);
        await Expect(page.Find(".message.assistant .text")).ToHaveTextAsync("Uno, ");

        await page.Tab.ReloadAsync();
        await Expect(page.Find(".message.assistant[aria-busy=true] .text")).ToHaveTextAsync("Uno, ");
        gate.SetResult();
        await ExpectIdleAsync(page);

        Assert.That(await TextsAsync(page), Is.EqualTo(new[] { question, "Uno, dos." }));
    }

    [Test]
    public async Task A_stream_that_breaks_off_is_taken_up_where_it_broke()
    {
        var gate = new TaskCompletionSource();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Uno, ").WaitFor(gate.Task).Delta("dos.").Finish().Done());
        var page = await OpenAsync();
        await RegisterAsync(page);
        var resumed = new List<string>();
        await page.Tab.RouteAsync("**/stream", route => BreakOffAsync(route, "Uno, "));
        page.Tab.Request += (_, request) =>
        {
            if (request.Url.Contains("after=", StringComparison.Ordinal))
                resumed.Add(request.Url);
        };

        await SendAsync(page, question);
        await Expect(page.Find(".message.assistant .state-text")).ToContainTextAsync("Reconnecting");
        await Poll.UntilAsync(() => resumed.Count > 0, "Coming back");
        gate.SetResult();
        await ExpectIdleAsync(page);

        Assert.That(await TextsAsync(page), Is.EqualTo(new[] { question, "Uno, dos." }));
        Assert.That(resumed[0], Does.Contain("run_id=").And.Contain("after="));
        await Expect(page.Find(".message.assistant .state")).ToBeHiddenAsync();
    }

    [Test]
    public async Task Stop_keeps_the_text_so_far()
    {
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hasta aquí").Silence());
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, question);
        await Expect(page.Find(".message.assistant .text")).ToHaveTextAsync("Hasta aquí");

        await page.Find("#stop").ClickAsync();
        await ExpectIdleAsync(page);

        await Expect(page.Find(".message.assistant .state")).ToContainTextAsync("Stopped");
        await page.Tab.ReloadAsync();
        await Expect(page.Find(".message.assistant .state")).ToContainTextAsync("Stopped");
        Assert.That(await TextsAsync(page), Is.EqualTo(new[] { question, "Hasta aquí" }));
    }

    [Test]
    public async Task A_reply_that_fails_keeps_its_text_and_can_be_asked_for_again()
    {
        var calls = 0;
        var question = Model.Ask(() => Interlocked.Increment(ref calls) == 1
            ? ScriptedUpstreamReply.Stream().Role().Delta("A medias").Cut()
            : ScriptedUpstreamReply.Text("Entera."));
        var page = await OpenAsync();
        await RegisterAsync(page);

        await SendAsync(page, question);
        await Expect(page.Find(".message.assistant .again")).ToBeVisibleAsync();
        Assert.That(await TextsAsync(page), Is.EqualTo(new[] { question, "A medias" }));
        await page.KeepPictureAsync("error");
        await page.Find(".message.assistant .again").ClickAsync();
        await Expect(page.Find(".message")).ToHaveCountAsync(4);
        await ExpectIdleAsync(page);

        Assert.That(await TextsAsync(page), Is.EqualTo(new[] { question, "A medias", question, "Entera." }));
    }

    [Test]
    public async Task What_cannot_be_sent_comes_back_to_be_sent_again()
    {
        ExpectProblem("429 (Too Many Requests)");
        var page = await OpenAsync();
        await RegisterAsync(page);
        await page.Tab.RouteAsync("**/stream", route => route.FulfillAsync(new RouteFulfillOptions
        {
            Status = 429,
            ContentType = "application/problem+json",
            Headers = [new("Retry-After", "7")],
            Body = """{"status":429,"error":"Too many requests.","code":"rate_limited"}""",
        }));

        await SendAsync(page, "Hola");

        await Expect(page.Find("#chat-notice")).ToHaveTextAsync("Too many requests. Try again in 7 s. Your message was not sent.");
        await Expect(page.Find("#content")).ToHaveValueAsync("Hola");
        await Expect(page.Find(".message")).ToHaveCountAsync(0);
    }

    /// <summary>Gives the page the server's stream up to a text, and half an event more.</summary>
    private async Task BreakOffAsync(IRoute route, string text)
    {
        if (route.Request.Method != "POST")
        {
            await route.ContinueAsync();
            return;
        }

        using var client = Environment.Server.Client(route.Request.Headers["authorization"]["Bearer ".Length..]);
        using var request = new HttpRequestMessage(HttpMethod.Post, route.Request.Url)
        {
            Content = new StringContent(route.Request.PostData!, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        await using var reply = await ReplyReader.OpenAsync(client, request, EventDialect.Post);
        while (reply.Content != text && await reply.NextAsync() is not null)
        {
        }

        await route.FulfillAsync(new RouteFulfillOptions
        {
            ContentType = "text/event-stream",
            Body = string.Concat(reply.Events.Select(received => $"data: {received.Json.GetRawText()}\n\n")) + "data: {\"type\":\"con",
        });
    }
}
