using System.Globalization;
using ChatApi.Tests.Support;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Samples;

/// <summary>The sample for <c>useChat</c>, as it is built, in a real browser and from an origin of its own.</summary>
[NonParallelizable]
public sealed class ReactUseChatTests
{
    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start();
    private readonly List<string> _expectedProblems = [];
    private ModelScripts _model = null!;
    private Browser _browser = null!;
    private SampleSite _site = null!;
    private ChatApiProcess _server = null!;
    private BrowserPage? _page;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        SetDefaultExpectTimeout(15_000);
        _model = new ModelScripts(_upstream);
        _browser = await Browser.LaunchAsync();
        await SampleWorkspace.BuildAsync();
        _site = await SampleSite.StartAsync(Path.Combine(SampleWorkspace.Root, "react-usechat", "dist"));
        _server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>(ChatApiEnvironment.Settings(_upstream))
        {
            ["FRONTEND_URL"] = _site.Address.GetLeftPart(UriPartial.Authority),
        });
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        if (_site is not null)
            await _site.DisposeAsync();
        if (_browser is not null)
            await _browser.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [TearDown]
    public async Task ExpectAllQuietAsync()
    {
        if (_page is null)
            return;
        var problems = _page.Problems.Where(problem => !_expectedProblems.Any(problem.Contains)).ToList();
        await _page.DisposeAsync();
        _page = null;
        _expectedProblems.Clear();

        Assert.That(problems, Is.Empty);
    }

    [Test]
    public async Task A_reply_grows_is_made_anew_and_is_there_after_a_reload()
    {
        var gate = new TaskCompletionSource();
        var calls = 0;
        var question = _model.Ask(() => Interlocked.Increment(ref calls) == 1
            ? ScriptedUpstreamReply.Stream().Role().Delta("Hola.").WaitFor(gate.Task).Delta("\n\n¿Qué <b>tal</b>? 👋🏽").Finish().Usage(9, 2).Done()
            : ScriptedUpstreamReply.Text("Otra."));
        var page = await SignInAsync();

        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Hola.");
        await page.KeepPictureAsync("usechat-streaming");
        gate.SetResult();
        await ExpectTextsAsync(page, question, "Hola.\n\n¿Qué <b>tal</b>? 👋🏽");
        await ExpectIdleAsync(page);
        await page.Find("button:text-is('Regenerate')").ClickAsync();
        await ExpectTextsAsync(page, question, "Otra.");
        await ExpectIdleAsync(page);
        var another = ModelScripts.NewQuestion();
        await SendAsync(page, another);
        await ExpectTextsAsync(page, question, "Otra.", another, ModelScripts.DefaultReply);
        await ExpectIdleAsync(page);
        await page.Tab.ReloadAsync();

        await ExpectTextsAsync(page, question, "Otra.", another, ModelScripts.DefaultReply);
        Assert.That(ModelScripts.Conversation(_model.CallsFor(another).Single()).Select(message => message.Content), Is.EqualTo([question, "Otra.", another]));
    }

    [Test]
    public async Task A_page_that_reloads_in_mid_reply_goes_on_with_it()
    {
        var gate = new TaskCompletionSource();
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Uno, ").Delta("dos, ").WaitFor(gate.Task).Delta("tres.").Finish().Usage(9, 3).Done());
        var page = await SignInAsync();
        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Uno, dos, ");

        await page.Tab.ReloadAsync();
        await ExpectTextsAsync(page, question, "Uno, dos, ");
        await Expect(page.Find(".log")).ToHaveAttributeAsync("aria-busy", "true");
        await page.KeepPictureAsync("usechat-resumed");
        gate.SetResult();

        await ExpectTextsAsync(page, question, "Uno, dos, tres.");
        await ExpectIdleAsync(page);
        Assert.That(_model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Stop_keeps_the_text_so_far()
    {
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hasta aquí").Silence());
        var page = await SignInAsync();
        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Hasta aquí");

        await page.Find("button:text-is('Stop')").ClickAsync();
        await ExpectIdleAsync(page);
        await Expect(page.Find(".message.assistant .note")).ToHaveTextAsync("Stopped");
        await page.Tab.ReloadAsync();

        await ExpectTextsAsync(page, question, "Hasta aquí");
        await Expect(page.Find(".message.assistant .note")).ToHaveTextAsync("Stopped");
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_reply_whose_connection_broke_is_found_again_and_not_paid_for_twice(bool endsMeanwhile)
    {
        _expectedProblems.AddRange(["net::ERR_", "network error", "Failed to fetch"]);
        var gate = new TaskCompletionSource();
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Uno, ").WaitFor(gate.Task).Delta("dos.").Finish().Usage(9, 2).Done());
        await using var proxy = FaultProxy.Before(_server.Address.Port);
        _site.Api = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{proxy.Port}"));
        var page = await SignInAsync();
        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Uno, ");

        proxy.ResetAll();
        await Expect(page.Find(".log [role=alert]")).ToBeVisibleAsync();
        if (endsMeanwhile)
            await EndAsync();
        await page.Find("button:text-is('Try again')").ClickAsync();
        if (!endsMeanwhile)
        {
            await ExpectTextsAsync(page, question, "Uno, ");
            await EndAsync();
        }

        await ExpectTextsAsync(page, question, "Uno, dos.");
        await ExpectIdleAsync(page);
        await Expect(page.Find(".log [role=alert]")).ToHaveCountAsync(0);
        Assert.That(_model.CallsFor(question), Has.Count.EqualTo(1));

        Task EndAsync()
        {
            gate.SetResult();
            return endsMeanwhile ? Task.Delay(1000) : Task.CompletedTask;
        }
    }

    [Test]
    public async Task There_is_nothing_to_stop_before_the_reply_begins()
    {
        var page = await SignInAsync();
        var asked = new TaskCompletionSource();
        await page.Tab.RouteAsync("**/api/chat/ui", async route =>
        {
            if (route.Request.Method == "POST")
                await asked.Task;
            await route.ContinueAsync();
        });
        var question = ModelScripts.NewQuestion();
        await SendAsync(page, question);

        await Expect(page.Find(".log")).ToHaveAttributeAsync("aria-busy", "true");
        await Expect(page.Find("button:text-is('Stop')")).ToHaveCountAsync(0);
        asked.SetResult();
        await ExpectTextsAsync(page, question, ModelScripts.DefaultReply);
    }

    [Test]
    public async Task A_failure_is_told_and_asked_again()
    {
        _expectedProblems.Add("The assistant could not answer");
        var calls = 0;
        var question = _model.Ask(() => Interlocked.Increment(ref calls) == 1
            ? ScriptedUpstreamReply.Status(400, ScriptedUpstreamReply.Error("no"))
            : ScriptedUpstreamReply.Text("Ahora sí."));
        var page = await SignInAsync();
        await SendAsync(page, question);
        await Expect(page.Find(".log [role=alert]")).ToHaveTextAsync("The assistant could not answer; please try again.");

        await page.Find("button:text-is('Try again')").ClickAsync();

        await ExpectTextsAsync(page, question, "Ahora sí.");
        await Expect(page.Find(".log [role=alert]")).ToHaveCountAsync(0);
    }

    [SetUp]
    public void Reach() => _site.Api = _server.Address;

    private async Task<BrowserPage> SignInAsync()
    {
        _page = await _browser.OpenAsync(_site.Address);
        await _page.Find(".sign-in button").ClickAsync();
        await Expect(_page.Find(".composer")).ToBeVisibleAsync();
        return _page;
    }

    private static async Task SendAsync(BrowserPage page, string question)
    {
        await page.Find("input[name=content]").FillAsync(question);
        await page.Find("button:text-is('Send')").ClickAsync();
    }

    private static Task ExpectIdleAsync(BrowserPage page) => Expect(page.Find(".log")).ToHaveAttributeAsync("aria-busy", "false");

    private static async Task ExpectTextsAsync(BrowserPage page, params string[] texts)
    {
        await Expect(page.Find(".message .text")).ToHaveCountAsync(texts.Length);
        for (var index = 0; index < texts.Length; index++)
            await Expect(page.Find(".message .text").Nth(index)).ToHaveJSPropertyAsync("textContent", texts[index]);
    }
}
