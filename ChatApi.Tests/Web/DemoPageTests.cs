using System.Net.Http.Headers;
using System.Text;
using ChatApi.Tests.Support;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web;

/// <summary>The demo page in a real browser. In each test the console stays clean and nothing is asked for elsewhere.</summary>
[Parallelizable(ParallelScope.Self)]
public sealed class DemoPageTests
{
    private const string Password = "a-long-password";

    private const string Hostile = """
        <img src=x onerror="document.title='taken over'"> <script>document.title='taken over'</script>
        <style>* { display: none }</style> <a href="javascript:alert(1)">here</a> [here](javascript:alert(1))
        ![](https://elsewhere.example/image.png) <svg onload=alert(1)> <iframe src="https://elsewhere.example"></iframe> &lt;b&gt;
        """;

    private static readonly LocatorAssertionsToHaveCountOptions WithPatience = new() { Timeout = 30_000 };

    private readonly List<string> _expectedProblems = [];
    private readonly List<BrowserPage> _pages = [];
    private Browser _browser = null!;
    private ChatApiEnvironment _environment = null!;

    private ModelScripts Model => _environment.Model;

    private Uri Address => _environment.Server.Address;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        SetDefaultExpectTimeout(15_000);
        _browser = await Browser.LaunchAsync();
        _environment = await ChatApiEnvironment.ForAsync(DatabaseKind.Sqlite);
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
        foreach (var page in _pages)
            await page.DisposeAsync();
        var problems = _pages.SelectMany(page => page.Problems).Where(problem => !_expectedProblems.Any(problem.Contains)).ToList();
        var elsewhere = _pages.SelectMany(page => page.Requests).Where(request => request.Authority != Address.Authority).ToList();
        _pages.Clear();
        _expectedProblems.Clear();

        Assert.That(problems, Is.Empty);
        Assert.That(elsewhere, Is.Empty);
    }

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
        var first = await reply.TextContentAsync();
        second.SetResult();
        await Expect(reply).ToContainTextAsync("¿Qué tal?");
        var longer = await reply.TextContentAsync();
        await page.KeepPictureAsync("streaming");
        third.SetResult();
        await ExpectIdleAsync(page);

        Assert.That((first, longer), Is.EqualTo(("Hola.", "Hola.\n\n¿Qué tal? 👋🏽")));
        var whole = new[] { question, "Hola.\n\n¿Qué tal? 👋🏽 Adiós." };
        Assert.That(await TextsAsync(page), Is.EqualTo(whole));
        await Expect(page.Find("#announcer")).ToContainTextAsync("Adiós.");

        await page.Tab.ReloadAsync();
        await Expect(page.Find(".message")).ToHaveCountAsync(2);
        Assert.That(await TextsAsync(page), Is.EqualTo(whole));
        await Expect(page.Find("#who")).ToHaveTextAsync("Ana");
        await Expect(page.Find("#session-list a[aria-current=page]")).ToContainTextAsync(question);
        await Expect(page.Tab).ToHaveTitleAsync($"{question} · ChatApi");
        await page.KeepPictureAsync("history");
    }

    [Test]
    public async Task The_demo_account_is_offered_where_it_exists()
    {
        var page = await OpenAsync();

        await page.Find("#demo-account").ClickAsync();

        await Expect(page.Find("#who")).ToBeVisibleAsync();
    }

    [Test]
    public async Task A_wrong_password_is_told_in_a_sentence()
    {
        _expectedProblems.Add("401 (Unauthorized)");
        var page = await OpenAsync();

        await page.Find("#email").FillAsync("nobody@example.com");
        await page.Find("#password").FillAsync(Password);
        await page.Find("#sign-in-submit").ClickAsync();

        await Expect(page.Find("#sign-in-notice")).ToHaveTextAsync("The email address or the password is wrong.");
        await Expect(page.Find("#chat")).ToBeHiddenAsync();
        await page.KeepPictureAsync("wrong-password");
    }

    [Test]
    public async Task A_weak_password_is_told_at_its_field()
    {
        _expectedProblems.Add("400 (Bad Request)");
        var page = await OpenAsync();

        await page.Find("#switch-mode").ClickAsync();
        await page.Find("#email").FillAsync("weak@example.com");
        await page.Find("#password").FillAsync("short");
        await page.Find("#sign-in-submit").ClickAsync();

        await Expect(page.Find("#password-error")).ToContainTextAsync("8 characters");
        await Expect(page.Find("#password")).ToBeFocusedAsync();
    }

    [Test]
    public async Task A_token_that_is_no_longer_good_leads_back_to_the_form()
    {
        _expectedProblems.Add("401 (Unauthorized)");
        var page = await OpenAsync();
        await RegisterAsync(page);

        await page.Tab.EvaluateAsync("sessionStorage['chatapi.account'] = JSON.stringify({ token: 'x.y.z', user: {} })");
        await page.Tab.ReloadAsync();

        await Expect(page.Find("#sign-in-notice")).ToContainTextAsync("sign in again");
    }

    [Test]
    public async Task Hostile_text_stays_text()
    {
        var pieces = Hostile.Select(character => character.ToString());
        var question = Model.Ask(ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(1), pieces), Hostile);
        var page = await OpenAsync();
        await RegisterAsync(page, Hostile[..60]);

        await SendAsync(page, question);
        await ExpectIdleAsync(page);
        var live = await TextsAsync(page);
        await page.KeepPictureAsync("hostile");
        await page.Tab.ReloadAsync();
        await Expect(page.Find(".message")).ToHaveCountAsync(2);
        var stored = await TextsAsync(page);
        await page.Find("#delete-session").ClickAsync();

        Assert.That(live, Is.EqualTo(new[] { question, Hostile }));
        Assert.That(stored, Is.EqualTo(live));
        Assert.That(await page.Find("script[src='app.js']").CountAsync(), Is.EqualTo(1));
        Assert.That(await page.Find("img, iframe, style, script:not([src='app.js']), a[href^=javascript], [onload], [onerror]").CountAsync(), Is.Zero);
        await Expect(page.Find("#delete-name")).ToContainTextAsync("<img");
        Assert.That(await page.Tab.TitleAsync(), Does.StartWith("<img").And.EndsWith("· ChatApi"));
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
        _expectedProblems.Add("429 (Too Many Requests)");
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
        await page.Find("#delete-session").ClickAsync();
        await page.Find("#delete-dialog [type=submit]").ClickAsync();

        await Expect(page.Find("#welcome")).ToBeVisibleAsync();
        await Expect(page.Find(".session-name")).ToHaveTextAsync(["La segunda"]);
        await page.Tab.ReloadAsync();
        await Expect(page.Find(".session-name")).ToHaveTextAsync(["La segunda"]);
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

    [TestCase("es-AR", "es", "Iniciar sesión · ChatApi")]
    [TestCase("en-US", "en", "Sign in · ChatApi")]
    [TestCase("fr-FR", "en", "Sign in · ChatApi")]
    public async Task It_speaks_the_language_of_the_browser(string locale, string language, string title)
    {
        var page = await OpenAsync(new BrowserNewContextOptions { Locale = locale });

        await Expect(page.Tab).ToHaveTitleAsync(title);
        await Expect(page.Find("html")).ToHaveAttributeAsync("lang", language);
    }

    [Test]
    public async Task Each_language_has_every_text()
    {
        var page = await OpenAsync();

        var missing = await page.Tab.EvaluateAsync<string[]>("""
            async () => {
              const { setLanguage, known } = await import('/texts.js');
              const source = await (await fetch('/texts.js')).text();
              const keys = new Set([...source.matchAll(/^ {4}'([\w.]+)':/gm)].map(match => match[1]));
              for (const element of document.querySelectorAll('[data-text]')) keys.add(element.dataset.text);
              for (const element of document.querySelectorAll('[data-label]')) keys.add(element.dataset.label);
              const missing = keys.size > 50 ? [] : ['not enough keys'];
              for (const language of ['en', 'es']) {
                setLanguage(language);
                missing.push(...[...keys].filter(key => !known(key)).map(key => `${language}: ${key}`));
              }
              return missing;
            }
            """);

        Assert.That(missing, Is.Empty);
    }

    [Test]
    public async Task The_stream_reads_the_same_however_its_bytes_are_split()
    {
        var page = await OpenAsync();

        var different = await page.Tab.EvaluateAsync<string[]>("""
            async () => {
              const { readEvents } = await import('/stream.js');
              const events = [{ type: 'start' }, { type: 'content', content: 'ñ 漢 👩‍👩‍👧 \n\n data: <b>', seq: 1 }, { type: 'done', seq: 2 }];
              const written = events.map((event, i) => `data: ${JSON.stringify(event)}\nid: run:${i}\n\n`);
              const bytes = new TextEncoder().encode(`: ping\n\nretry: 2000\n\n${written.join(': ping\n\n')}data: {"cut off`);
              const expected = JSON.stringify(events);
              const different = [];
              const tryWith = async (name, ...ends) => {
                let start = 0;
                const body = new ReadableStream({
                  pull(controller) {
                    if (start >= bytes.length) return controller.close();
                    const end = ends.find(end => end > start) ?? bytes.length;
                    controller.enqueue(bytes.slice(start, end));
                    start = end;
                  },
                });
                const read = [];
                for await (const event of readEvents(body)) read.push(event);
                if (JSON.stringify(read) !== expected) different.push(name);
              };
              await tryWith('whole');
              await tryWith('every byte', ...bytes.keys());
              for (const at of bytes.keys()) await tryWith(`at ${at}`, at);
              return different;
            }
            """);

        Assert.That(different, Is.Empty);
    }

    private async Task<BrowserPage> OpenAsync(BrowserNewContextOptions? options = null)
    {
        var page = await _browser.OpenAsync(Address, options);
        _pages.Add(page);
        return page;
    }

    private static async Task RegisterAsync(BrowserPage page, string name = "")
    {
        await page.Find("#switch-mode").ClickAsync();
        await page.Find("#name").FillAsync(name);
        await page.Find("#email").FillAsync($"{Guid.NewGuid():N}@example.com");
        await page.Find("#password").FillAsync(Password);
        await page.Find("#password").PressAsync("Enter");
        await Expect(page.Find("#welcome")).ToBeVisibleAsync();
    }

    private static async Task SendAsync(BrowserPage page, string content)
    {
        await page.Find("#content").FillAsync(content);
        await page.Find("#content").PressAsync("Enter");
    }

    /// <summary>The reply has come to its end.</summary>
    private static async Task ExpectIdleAsync(BrowserPage page)
    {
        await Expect(page.Find(".message.assistant")).Not.ToHaveCountAsync(0, WithPatience);
        await Expect(page.Find("[aria-busy=true]")).ToHaveCountAsync(0, WithPatience);
        await Expect(page.Find("#send")).ToBeVisibleAsync();
    }

    private static Task<IReadOnlyList<string>> TextsAsync(BrowserPage page) => page.Find(".message .text").AllTextContentsAsync();

    /// <summary>Gives the page the server's stream up to a text, and half an event more.</summary>
    private async Task BreakOffAsync(IRoute route, string text)
    {
        if (route.Request.Method != "POST")
        {
            await route.ContinueAsync();
            return;
        }

        using var client = _environment.Server.Client(route.Request.Headers["authorization"]["Bearer ".Length..]);
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
