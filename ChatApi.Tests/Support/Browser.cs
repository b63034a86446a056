using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Playwright;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>
/// Chromium, the system's own: Playwright's package brings its driver and its Node with it, and downloads no browser unless
/// it is told to.
/// </summary>
public sealed class Browser : IAsyncDisposable
{
    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Browser(IPlaywright playwright, IBrowser browser)
    {
        _playwright = playwright;
        _browser = browser;
    }

    /// <summary>Where screenshots are kept.</summary>
    public static string Artifacts =>
        Environment.GetEnvironmentVariable("ARTIFACTS_DIR") ?? Path.Combine(TestContext.CurrentContext.WorkDirectory, "artifacts");

    public static async Task<Browser> LaunchAsync()
    {
        var chromium = ServerPrograms.Find("chromium");
        var playwright = await Playwright.CreateAsync();
        try
        {
            return new Browser(playwright, await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = chromium,
                Args = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
            }));
        }
        catch
        {
            playwright.Dispose();
            throw;
        }
    }

    /// <summary>Opens an address as somebody who has never been there; in English unless told otherwise.</summary>
    public async Task<BrowserPage> OpenAsync(Uri address, BrowserNewContextOptions? options = null)
    {
        options ??= new BrowserNewContextOptions();
        options.Locale ??= "en-GB";
        var context = await _browser.NewContextAsync(options);
        var page = await BrowserPage.OfAsync(context);
        await page.Tab.GotoAsync(address.ToString());
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}

/// <summary>A tab, and what its user does not see: the errors in its console, and where it asks for things.</summary>
public sealed class BrowserPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _problems = new();
    private readonly ConcurrentQueue<Uri> _requests = new();

    private BrowserPage(IBrowserContext context, IPage tab)
    {
        _context = context;
        Tab = tab;
    }

    public IPage Tab { get; }

    /// <summary>Errors and warnings of the console, uncaught exceptions and violations of the content security policy.</summary>
    public IReadOnlyCollection<string> Problems => _problems;

    /// <summary>Every address that was asked for.</summary>
    public IReadOnlyCollection<Uri> Requests => _requests;

    internal static async Task<BrowserPage> OfAsync(IBrowserContext context)
    {
        await context.AddInitScriptAsync(
            "addEventListener('securitypolicyviolation', e => console.error(`Policy violated: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));");
        var page = new BrowserPage(context, await context.NewPageAsync());
        page.Tab.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                page._problems.Enqueue(message.Text);
        };
        page.Tab.PageError += (_, error) => page._problems.Enqueue(error);
        page.Tab.Request += (_, request) => page._requests.Enqueue(new Uri(request.Url));
        page.Tab.Dialog += async (_, dialog) =>
        {
            page._problems.Enqueue($"A dialog: {dialog.Message}");
            await dialog.DismissAsync();
        };
        return page;
    }

    public ILocator Find([StringSyntax("css")] string selector) => Tab.Locator(selector);

    /// <summary>Keeps a picture of what is to be seen.</summary>
    public Task KeepPictureAsync(string name) => Tab.ScreenshotAsync(new PageScreenshotOptions
    {
        Path = Path.Combine(Browser.Artifacts, $"page-{name}.png"),
        Animations = ScreenshotAnimations.Disabled,
    });

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
