using System.Globalization;
using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Samples;

/// <summary>
/// Each front-end sample, as it is built, in a real browser and from an origin of its own. They look alike to a user, and so to these tests.
/// </summary>
[NonParallelizable]
public sealed class BrowserSampleTests
{
    private static readonly string[] Samples = ["react", "vue", "angular", "html"];

    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start();
    private readonly List<string> _expectedProblems = [];
    private ModelScripts _model = null!;
    private Browser _browser = null!;
    private readonly Dictionary<string, SampleSite> _sites = [];
    private ChatApiProcess _server = null!;
    private SampleSite? _site;
    private BrowserPage? _page;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        SetDefaultExpectTimeout(15_000);
        _model = new ModelScripts(_upstream);
        _browser = await Browser.LaunchAsync();
        await SampleWorkspace.BuildAsync();
        foreach (var sample in Samples)
            _sites[sample] = await SampleSite.StartAsync(Path.Combine(SampleWorkspace.Root, sample, sample == "html" ? "" : "dist"));
        _server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>(ChatApiEnvironment.Settings(_upstream))
        {
            ["FRONTEND_URL"] = string.Join(',', _sites.Values.Select(site => site.Address.GetLeftPart(UriPartial.Authority))),
        });
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        foreach (var site in _sites.Values)
            await site.DisposeAsync();
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
        var elsewhere = _page.Requests.Where(request => request.Scheme != "data" && request.Authority != _site!.Address.Authority && request.Authority != _site.Api!.Authority).ToList();
        await _page.DisposeAsync();
        _page = null;
        _expectedProblems.Clear();

        Assert.That(problems, Is.Empty);
        Assert.That(elsewhere, Is.Empty);
    }

    [TestCaseSource(nameof(Samples))]
    public async Task The_demo_account_signs_in_watches_a_reply_grow_and_finds_it_after_a_reload(string sample)
    {
        var (second, third) = (new TaskCompletionSource(), new TaskCompletionSource());
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role()
            .Delta("Hola.").WaitFor(second.Task).Delta("\n\n¿Qué <b>tal</b>? 👋🏽").WaitFor(third.Task).Delta(" Adiós.").Finish().Usage(9, 3).Done());
        var page = await OpenAsync(sample);
        await page.KeepPictureAsync($"{sample}-sign-in");
        await SignInAsync(page);

        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Hola.");
        await Expect(page.Find(".log")).ToHaveAttributeAsync("aria-busy", "true");
        second.SetResult();
        await ExpectTextsAsync(page, question, "Hola.\n\n¿Qué <b>tal</b>? 👋🏽");
        await page.KeepPictureAsync($"{sample}-streaming");
        third.SetResult();
        await ExpectIdleAsync(page);
        await ExpectTextsAsync(page, question, "Hola.\n\n¿Qué <b>tal</b>? 👋🏽 Adiós.");

        var another = ModelScripts.NewQuestion();
        await SendAsync(page, another);
        await ExpectTextsAsync(page, question, "Hola.\n\n¿Qué <b>tal</b>? 👋🏽 Adiós.", another, ModelScripts.DefaultReply);
        await ExpectIdleAsync(page);
        Assert.That(ModelScripts.Conversation(_model.CallsFor(another).Single()), Has.Count.EqualTo(3));

        await page.Tab.ReloadAsync();
        await ExpectTextsAsync(page, question, "Hola.\n\n¿Qué <b>tal</b>? 👋🏽 Adiós.", another, ModelScripts.DefaultReply);
        await ExpectIdleAsync(page);
        await page.KeepPictureAsync($"{sample}-history");
    }

    [TestCaseSource(nameof(Samples))]
    public async Task A_wrong_password_is_told_in_the_servers_words(string sample)
    {
        ExpectProblem("401 (Unauthorized)");
        var page = await OpenAsync(sample);

        await page.Find("input[name=password]").FillAsync("not-the-password");
        await page.Find(".sign-in button").ClickAsync();

        await Expect(page.Find(".sign-in [role=alert]")).ToHaveTextAsync("The email address or the password is wrong.");
    }

    [TestCaseSource(nameof(Samples))]
    public async Task Stop_keeps_the_text_so_far(string sample)
    {
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hasta aquí").Silence());
        var page = await OpenAsync(sample);
        await SignInAsync(page);
        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Hasta aquí");

        await page.Find("button:text-is('Stop')").ClickAsync();
        await ExpectIdleAsync(page);

        await Expect(page.Find(".message.assistant .note")).ToHaveTextAsync("Stopped");
        await page.KeepPictureAsync($"{sample}-stopped");
        await page.Tab.ReloadAsync();
        await Expect(page.Find(".message.assistant .note")).ToHaveTextAsync("Stopped");
        await ExpectTextsAsync(page, question, "Hasta aquí");
    }

    [TestCaseSource(nameof(Samples))]
    public async Task A_stream_that_breaks_off_is_taken_up_where_it_broke(string sample)
    {
        ExpectProblem("net::ERR_");
        var gate = new TaskCompletionSource();
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Uno, ").Delta("dos, ").WaitFor(gate.Task).Delta("tres.").Finish().Done());
        await using var proxy = FaultProxy.Before(_server.Address.Port);
        var page = await OpenAsync(sample, new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{proxy.Port}")));
        await SignInAsync(page);
        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Uno, dos, ");

        proxy.Refuse();
        proxy.ResetAll();
        await Expect(page.Find("[role=status]")).ToHaveTextAsync("Reconnecting…");
        await Expect(page.Find("[role=status]")).ToBeVisibleAsync();
        await page.KeepPictureAsync($"{sample}-reconnecting");
        gate.SetResult();
        proxy.Heal();
        await ExpectTextsAsync(page, question, "Uno, dos, tres.");
        await ExpectIdleAsync(page);

        await Expect(page.Find("[role=status]")).ToBeHiddenAsync();
        Assert.That(page.Requests.Where(request => request.Query.Contains("after=2", StringComparison.Ordinal)), Is.Not.Empty);
        Assert.That(_model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [TestCaseSource(nameof(Samples))]
    public async Task A_question_that_got_lost_is_asked_again_whatever_a_proxy_says_meanwhile(string sample)
    {
        ExpectProblem("net::ERR_");
        ExpectProblem("502 (Bad Gateway)");
        await using var gateway = await FaultGateway.BeforeAsync(_server.Address);

        // Of a connection that it has used before, a browser hides the first break: it asks again by itself.
        gateway.AnswerWith(FaultGateway.Break, FaultGateway.Break, 502);
        var question = _model.Ask(ScriptedUpstreamReply.Text("Al fin."));
        var page = await OpenAsync(sample, gateway.Address);
        await SignInAsync(page);

        await SendAsync(page, question);

        await ExpectTextsAsync(page, question, "Al fin.");
        await ExpectIdleAsync(page);
        Assert.That(_model.CallsFor(question), Has.Count.EqualTo(1));
    }

    [TestCaseSource(nameof(Samples))]
    public async Task Who_signs_out_in_mid_reply_stays_signed_out(string sample)
    {
        var gate = new TaskCompletionSource();
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Uno, ").WaitFor(gate.Task).Delta("dos.").Finish().Done());
        var page = await OpenAsync(sample);
        await SignInAsync(page);
        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Uno, ");
        var (token, session) = (await StoredAsync(page, "token"), await StoredAsync(page, "session"));

        await page.Find("button:text-is('Sign out')").ClickAsync();
        gate.SetResult();
        var user = new ApiClient(_server, Guid.Empty, token);
        await Poll.UntilAsync(async () => (await user.GetAsync($"/api/chat/sessions/{session}/messages")).Items[^1].GetProperty("status").GetString() == "completed", "the end of the reply");
        await Task.Delay(500);

        await Expect(page.Find(".sign-in")).ToBeVisibleAsync();
        await Expect(page.Find(".composer")).ToBeHiddenAsync();
    }

    [TestCaseSource(nameof(Samples))]
    public async Task A_long_conversation_is_there_to_its_last_message_after_a_reload(string sample)
    {
        var page = await OpenAsync(sample);
        await SignInAsync(page);
        await SendAsync(page, ModelScripts.NewQuestion());
        await ExpectIdleAsync(page);
        var user = new ApiClient(_server, Guid.Empty, await StoredAsync(page, "token"));
        var session = await StoredAsync(page, "session");
        for (var message = 0; message < 205; message++)
            (await user.PostAsync($"/api/chat/sessions/{session}/messages", new { role = "assistant", content = $"mensaje {message}" })).Expect(HttpStatusCode.Created);

        await page.Tab.ReloadAsync();

        await Expect(page.Find(".message")).ToHaveCountAsync(207);
        await Expect(page.Find(".message .text").Last).ToHaveTextAsync("mensaje 204");
    }

    [TestCaseSource(nameof(Samples))]
    public async Task A_reload_in_mid_reply_finds_it_again(string sample)
    {
        var gate = new TaskCompletionSource();
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Uno, ").WaitFor(gate.Task).Delta("dos.").Finish().Done());
        var page = await OpenAsync(sample);
        await SignInAsync(page);
        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, "Uno, ");

        await page.Tab.ReloadAsync();
        await ExpectTextsAsync(page, question, "Uno, ");
        await Expect(page.Find("button:text-is('Stop')")).ToBeVisibleAsync();
        gate.SetResult();
        await ExpectTextsAsync(page, question, "Uno, dos.");
        await ExpectIdleAsync(page);
    }

    [TestCaseSource(nameof(Samples))]
    public async Task A_stream_whose_bytes_come_one_by_one_reads_the_same(string sample)
    {
        const string Text = "ñ 漢 👩‍👩‍👧 \n\n data: <b> \\ \"";
        var question = _model.Ask(ScriptedUpstreamReply.Text("Uno ", Text, " fin."));
        var page = await OpenAsync(sample);
        await page.Tab.AddInitScriptAsync("""
            const real = window.fetch;
            window.fetch = async (...all) => {
              const response = await real(...all);
              if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) return response;
              const bytes = new TransformStream({ transform: (chunk, out) => chunk.forEach(byte => { window.single = (window.single ?? 0) + 1; out.enqueue(Uint8Array.of(byte)); }) });
              return new Response(response.body.pipeThrough(bytes), response);
            };
            """);
        await page.Tab.ReloadAsync();
        await SignInAsync(page);

        await SendAsync(page, question);
        await ExpectTextsAsync(page, question, $"Uno {Text} fin.");
        await ExpectIdleAsync(page);

        Assert.That(await page.Tab.EvaluateAsync<int>("window.single"), Is.GreaterThan(300));
    }

    [TestCaseSource(nameof(Samples))]
    public async Task A_reply_that_fails_keeps_its_text_and_says_why(string sample)
    {
        var question = _model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("A medias").Cut());
        var page = await OpenAsync(sample);
        await SignInAsync(page);

        await SendAsync(page, question);

        await Expect(page.Find(".message.assistant .error")).ToContainTextAsync("broke off");
        await ExpectTextsAsync(page, question, "A medias");
        await ExpectIdleAsync(page);
        await page.KeepPictureAsync($"{sample}-error");
    }

    [TestCaseSource(nameof(Samples))]
    public async Task What_is_refused_is_told_and_the_next_question_is_answered(string sample)
    {
        ExpectProblem("409 (Conflict)");
        var gate = new TaskCompletionSource();
        var running = _model.Ask(ScriptedUpstreamReply.Stream().Role().WaitFor(gate.Task).Delta("Al fin.").Finish().Done());
        var page = await OpenAsync(sample);
        await SignInAsync(page);
        var first = ModelScripts.NewQuestion();
        await SendAsync(page, first);
        await ExpectIdleAsync(page);
        var (token, session) = (await StoredAsync(page, "token"), await StoredAsync(page, "session"));
        await using var elsewhere = await new ApiClient(_server, Guid.Empty, token).StreamAsync(session, running);
        await elsewhere.NextAsync();

        await SendAsync(page, "Hola");
        await Expect(page.Find("main [role=alert]")).ToContainTextAsync("still being made");
        gate.SetResult();
        await elsewhere.ReadToEndAsync();
        var next = ModelScripts.NewQuestion();
        await SendAsync(page, next);
        await ExpectIdleAsync(page);

        await Expect(page.Find("main [role=alert]")).ToBeHiddenAsync();
        await Expect(page.Find(".message.assistant .text").Last).ToHaveTextAsync(ModelScripts.DefaultReply);
    }

    private void ExpectProblem(string words) => _expectedProblems.Add(words);

    /// <param name="sample">Its folder.</param>
    /// <param name="api">Where it is to find ChatApi; directly, unless told otherwise.</param>
    private async Task<BrowserPage> OpenAsync(string sample, Uri? api = null)
    {
        _site = _sites[sample];
        _site.Api = api ?? _server.Address;
        return _page = await _browser.OpenAsync(_site.Address);
    }

    private static Task<string> StoredAsync(BrowserPage page, string name) => page.Tab.EvaluateAsync<string>($"sessionStorage.getItem('{name}')");

    /// <summary>The form has the demo account in it already.</summary>
    private static async Task SignInAsync(BrowserPage page)
    {
        await page.Find(".sign-in button").ClickAsync();
        await Expect(page.Find("button:text-is('Send')")).ToBeEnabledAsync();
    }

    private static async Task SendAsync(BrowserPage page, string content)
    {
        await page.Find("input[name=content]").FillAsync(content);
        await page.Find("input[name=content]").PressAsync("Enter");
        await Expect(page.Find("input[name=content]")).ToHaveValueAsync("");
    }

    private static async Task ExpectIdleAsync(BrowserPage page)
    {
        await Expect(page.Find(".log")).ToHaveAttributeAsync("aria-busy", "false");
        await Expect(page.Find("button:text-is('Send')")).ToBeEnabledAsync();
    }

    /// <summary>What is to be read, to the letter.</summary>
    private static async Task ExpectTextsAsync(BrowserPage page, params string[] texts)
    {
        IReadOnlyList<string> shown = [];
        try
        {
            await Poll.UntilAsync(async () => (shown = await page.Find(".message .text").AllTextContentsAsync()).SequenceEqual(texts), "the text", TimeSpan.FromSeconds(15));
        }
        catch (TimeoutException)
        {
            Assert.That(shown, Is.EqualTo(texts));
        }
    }
}
