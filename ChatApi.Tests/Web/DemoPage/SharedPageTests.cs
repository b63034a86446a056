using System.Net;
using System.Net.Sockets;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>Whatever was shared, the page shows it as text: nothing runs, nothing is fetched.</summary>
public sealed class SharedPageTests : DemoPageSuite
{
    [Test]
    public async Task What_is_hostile_is_text_on_the_shared_page()
    {
        using var canary = new TcpListener(IPAddress.Loopback, 0);
        canary.Start();
        const string title = "</title><script>alert(1)</script><img src=x onerror=alert(1)>";
        var texts = HostileReplies.Short(new Uri($"http://{canary.LocalEndpoint}/"))
            .Append("</div></article></main><script>alert(1)</script>").Select(text => text.Replace("\0", "", StringComparison.Ordinal)).ToArray();
        var user = ApiClient.NewUser(Environment.Server);
        var messages = texts.Select((content, at) => new { id = $"{at}", parent_id = at == 0 ? null : $"{at - 1}", role = at % 2 == 0 ? "user" : "assistant", content, created_at = "2024-01-01T00:00:00Z" });
        var file = new { version = 1, sessions = new[] { new { title, created_at = "2024-01-01T00:00:00Z", messages } } };
        var session = (await user.PostAsync("/api/chat/import", file)).Expect(HttpStatusCode.Created).Json.GetProperty("ids")[0];
        var url = (await user.PostAsync($"/api/chat/sessions/{session}/share", null)).Expect(HttpStatusCode.Created)["url"];

        var page = await OpenAsync();
        await page.Tab.GotoAsync(url);
        await page.KeepPictureAsync("shared");

        Assert.That(await page.Find(".text").AllTextContentsAsync(), Is.EqualTo(texts));
        Assert.That(await page.Find("h1").TextContentAsync(), Is.EqualTo(title));
        Assert.That(await page.Tab.TitleAsync(), Is.EqualTo(title));
        Assert.That(await page.Find(".text *, h1 *, script, img, iframe, object, form, a").CountAsync(), Is.Zero);
        Assert.That(await page.Tab.EvaluateAsync<string>("getComputedStyle(document.querySelector('.text')).whiteSpace"), Does.StartWith("pre-wrap"), "The style is let in.");
        Assert.That(canary.Pending(), Is.False, "The canary was asked for something.");
    }
}
