using ChatApi.Tests.Support;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>The list of conversations, beside the open one or, on a phone, in a drawer.</summary>
public sealed class SessionListTests : DemoPageSuite
{
    [Test]
    public async Task Conversations_are_renamed_and_deleted()
    {
        var page = await OpenAsync();
        await RegisterAsync(page);
        await SendAsync(page, "La primera");
        await ExpectIdleAsync(page);
        await page.Find("#new-session").ClickAsync();
        await SendAsync(page, "La segunda");
        await ExpectIdleAsync(page);
        await Expect(page.Find(".session-name")).ToHaveTextAsync(["La segunda", "La primera"]);

        await page.Find("#session-list a").Last.ClickAsync();
        await Expect(page.Find(".message")).ToHaveCountAsync(2);
        await page.Find("#rename-session").ClickAsync();
        await page.Find("#title").FillAsync("Otro título");
        await page.Tab.Keyboard.PressAsync("Enter");
        await Expect(page.Find("#session-title")).ToHaveTextAsync("Otro título");
        await page.Find("#delete-session").ClickAsync();
        await page.Tab.Keyboard.PressAsync("Escape");
        await Expect(page.Find(".session-name")).ToHaveTextAsync(["La segunda", "Otro título"]);
        await page.Find("#session-list a").First.ClickAsync();
        await Expect(page.Find("#session-title")).ToHaveTextAsync("La segunda");
        await page.Find("#delete-session").ClickAsync();
        await page.Find("#delete-dialog [type=submit]").ClickAsync();

        await Expect(page.Find("#welcome")).ToBeVisibleAsync();
        await Expect(page.Find(".session-name")).ToHaveTextAsync(["Otro título"]);
        await page.Tab.ReloadAsync();
        await Expect(page.Find(".session-name")).ToHaveTextAsync(["Otro título"]);
    }

    [Test]
    public async Task On_a_phone_the_list_is_a_drawer_and_nothing_is_cut_off()
    {
        var page = await OpenAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 360, Height = 740 },
            HasTouch = true,
            IsMobile = true,
            ColorScheme = ColorScheme.Dark,
            Locale = "es-ES",
        });
        await RegisterAsync(page, "A name that is so long that it does not fit on a phone's screen");
        await SendAsync(page, Model.Ask(ScriptedUpstreamReply.Text(new string('x', 500), "\n", string.Join(' ', Enumerable.Repeat("palabra", 80)))));
        await ExpectIdleAsync(page);
        await page.KeepPictureAsync("phone");

        await Expect(page.Find("#sidebar")).ToBeHiddenAsync();
        Assert.That(await page.Tab.EvaluateAsync<int>("document.documentElement.scrollWidth"), Is.EqualTo(360));
        Assert.That(await page.Tab.EvaluateAsync<int>("document.getElementById('scroller').scrollWidth"), Is.LessThanOrEqualTo(360));
        await page.Find("#drawer-open").TapAsync();
        await Expect(page.Find("#session-list a")).ToBeInViewportAsync();
        await Expect(page.Find("#sign-out")).ToBeInViewportAsync(new LocatorAssertionsToBeInViewportOptions { Ratio = 1 });
        Assert.That(await page.Tab.EvaluateAsync<int>("sidebar.scrollWidth - sidebar.clientWidth"), Is.Zero);
        await Expect(page.Find("#drawer-close")).ToBeFocusedAsync();
        await page.KeepPictureAsync("phone-drawer");
        await page.Tab.Keyboard.PressAsync("Escape");
        await Expect(page.Find("#sidebar")).ToBeHiddenAsync();
        await Expect(page.Find("#drawer-open")).ToBeFocusedAsync();
    }
}
