using ChatApi.Tests.Support;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>The demo page in a real browser. In each test the console stays clean and nothing is asked for elsewhere.</summary>
[Parallelizable(ParallelScope.Self)]
public abstract class DemoPageSuite
{
    protected const string Password = "a-long-password";

    private static readonly LocatorAssertionsToHaveCountOptions WithPatience = new() { Timeout = 30_000 };

    private readonly List<string> _expectedProblems = [];
    private readonly List<(BrowserPage Page, Uri Address)> _pages = [];
    private Browser _browser = null!;

    protected ChatApiEnvironment Environment { get; private set; } = null!;

    protected ModelScripts Model => Environment.Model;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        SetDefaultExpectTimeout(15_000);
        _browser = await Browser.LaunchAsync();
        Environment = await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite);
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
    }

    [TearDown]
    public async Task ExpectAllQuietAsync()
    {
        foreach (var (page, _) in _pages)
            await page.DisposeAsync();
        var problems = _pages.SelectMany(opened => opened.Page.Problems).Where(problem => !_expectedProblems.Any(problem.Contains)).ToList();
        var elsewhere = _pages.SelectMany(opened => opened.Page.Requests.Where(request => request.Authority != opened.Address.Authority)).ToList();
        _pages.Clear();
        _expectedProblems.Clear();

        Assert.That(problems, Is.Empty);
        Assert.That(elsewhere, Is.Empty);
    }

    /// <summary>This test makes the browser complain, with these words.</summary>
    protected void ExpectProblem(string words) => _expectedProblems.Add(words);

    /// <param name="options">The browser's user: language, screen, permissions.</param>
    /// <param name="server">The shared one, unless told otherwise.</param>
    protected async Task<BrowserPage> OpenAsync(BrowserNewContextOptions? options = null, ChatApiProcess? server = null)
    {
        var address = (server ?? Environment.Server).Address;
        var page = await _browser.OpenAsync(address, options);
        _pages.Add((page, address));
        return page;
    }

    protected static async Task RegisterAsync(BrowserPage page, string name = "")
    {
        await page.Find("#switch-mode").ClickAsync();
        await page.Find("#name").FillAsync(name);
        await page.Find("#email").FillAsync($"{Guid.NewGuid():N}@example.com");
        await page.Find("#password").FillAsync(Password);
        await page.Find("#password").PressAsync("Enter");
        await Expect(page.Find("#welcome")).ToBeVisibleAsync();
    }

    protected static async Task SendAsync(BrowserPage page, string content)
    {
        await page.Find("#content").FillAsync(content);
        await page.Find("#content").PressAsync("Enter");
    }

    /// <summary>The reply has come to its end.</summary>
    protected static async Task ExpectIdleAsync(BrowserPage page)
    {
        await Expect(page.Find(".message.assistant")).Not.ToHaveCountAsync(0, WithPatience);
        await Expect(page.Find("[aria-busy=true]")).ToHaveCountAsync(0, WithPatience);
        await Expect(page.Find("#send")).ToBeVisibleAsync();
    }

    /// <summary>What is to be read in the messages.</summary>
    protected static Task<IReadOnlyList<string>> TextsAsync(BrowserPage page) => page.Find(".message .text").AllInnerTextsAsync();
}
