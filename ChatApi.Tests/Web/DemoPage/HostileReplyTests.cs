using System.Net;
using System.Net.Sockets;
using ChatApi.Tests.Support;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>Whatever a model says, the page shows it: nothing runs, nothing is fetched, nothing hangs.</summary>
public sealed class HostileReplyTests : DemoPageSuite
{
    /// <summary>Says which elements and attributes in a place are none that the renderer is to make.</summary>
    private const string Strangers = """
        const allowed = {
          p: ['dir'], h3: ['dir'], h4: ['dir'], h5: ['dir'], h6: ['dir'], br: [], hr: [], strong: [], em: [], del: [],
          a: ['href', 'target', 'rel'], ul: ['class'], ol: ['class', 'start'], li: ['dir'], blockquote: ['dir'],
          table: [], thead: [], tbody: [], tr: [], th: ['dir', 'class'], td: ['dir', 'class'], code: [], pre: ['dir', 'tabindex'],
          div: ['class', 'tabindex'], span: ['class', 'dir'], svg: ['class', 'aria-hidden'], use: ['class', 'href'],
          button: ['class', 'type', 'data-label', 'aria-label', 'title'],
        };
        const classes = /^(?:|loose|center|end|code|code-head|code-language|table|icon|before|after|icon-button copy)$/;
        const strangers = place => [...place.querySelectorAll('*')].flatMap(element => {
          const names = allowed[element.localName] ?? [];
          const wrong = [...element.attributes].filter(({ name }) => !names.includes(name)).map(({ name }) => `${element.localName} ${name}`);
          if (!allowed[element.localName]) wrong.push(element.localName);
          if (!classes.test(element.getAttribute('class') ?? '')) wrong.push(`class ${element.getAttribute('class')}`);
          if (element.localName === 'a' && !(/^(?:https?:|mailto:)$/.test(element.protocol) && !element.username && element.target === '_blank'
            && element.rel === 'noopener noreferrer')) wrong.push(element.outerHTML);
          if (element.localName === 'use' && !/^#icon-/.test(element.getAttribute('href'))) wrong.push(element.outerHTML);
          return wrong;
        });
        """;

    private TcpListener _canary = null!;

    private Uri CanaryAddress => new($"http://{_canary.LocalEndpoint}/");

    [SetUp]
    public void Listen()
    {
        _canary = new TcpListener(IPAddress.Loopback, 0);
        _canary.Start();
    }

    [TearDown]
    public void ExpectNobodyCame()
    {
        var came = _canary.Pending();
        _canary.Dispose();
        Assert.That(came, Is.False, "The canary was asked for something.");
    }

    [Test]
    public async Task Split_anywhere_they_come_to_the_same_harmless_page()
    {
        var page = await OpenAsync();

        var wrong = await page.Tab.EvaluateAsync<string[]>($$"""
            async replies => {
              {{Strangers}}
              const { MarkdownView } = await import('/markdown/view.js');
              replies.push('\ud800 **\udc00** [\ud800](https://a.example/\udc00) `\ud800', '\ude00\ud83d # \ud83d');
              const wrong = [];
              const render = (reply, ...ends) => {
                const place = document.body.appendChild(document.createElement('div'));
                const view = new MarkdownView(place);
                for (const end of ends) {
                  view.show(reply.slice(0, end), true);
                  wrong.push(...strangers(place).map(stranger => `${stranger} in ${reply.slice(0, end)}`));
                }
                view.show(reply, false);
                wrong.push(...strangers(place).map(stranger => `${stranger} in ${reply}`));
                place.remove();
                return place.innerHTML;
              };
              for (const reply of replies) {
                const whole = render(reply);
                const ends = [...Array(reply.length + 1).keys()];
                if (render(reply, ...ends) !== whole) wrong.push(`Another page, letter by letter: ${reply}`);
                for (const end of ends) if (render(reply, end) !== whole) wrong.push(`Another page, split at ${end}: ${reply}`);
                await new Promise(resolve => setTimeout(resolve));
              }
              return wrong;
            }
            """, HostileReplies.Short(CanaryAddress));

        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public async Task The_longest_neither_hang_the_page_nor_nest_without_end()
    {
        var page = await OpenAsync();

        var wrong = await page.Tab.EvaluateAsync<string[]>($$"""
            async replies => {
              {{Strangers}}
              const { MarkdownView } = await import('/markdown/view.js');
              const depth = element => Math.max(0, ...[...element.querySelectorAll('*')].map(inner => {
                let depth = 0;
                for (; inner !== element; inner = inner.parentElement) depth++;
                return depth;
              }));
              const wrong = [];
              for (const reply of replies) {
                const place = document.createElement('div');
                const start = performance.now();
                const view = new MarkdownView(place);
                view.show(reply.slice(0, reply.length / 2), true);
                view.show(reply, true);
                view.show(reply, false);
                const took = performance.now() - start;
                const name = `${reply.slice(0, 20)}…`;
                if (took > 10_000) wrong.push(`${name} took ${took} ms`);
                if (depth(place) > 60) wrong.push(`${name} is ${depth(place)} deep`);
                wrong.push(...strangers(place).map(stranger => `${stranger} in ${name}`));
                await new Promise(resolve => setTimeout(resolve));
              }
              return wrong;
            }
            """, HostileReplies.Long);

        Assert.That(wrong, Is.Empty);
    }

    [TestCase(1, 0, 2, "&lt;script&gt;")]
    [TestCase(1, 2, 2, "&lt;img")]
    [TestCase(1, 4, 1, "&lt;iframe")]
    [TestCase(16, 0, 100, "&lt;script&gt;")]
    public async Task Through_the_api_in_small_pieces_they_are_as_harmless(int bytes, int first, int replies, string inert)
    {
        // U+0000 is in no text that the server keeps.
        var reply = string.Join("\n\n", HostileReplies.Short(CanaryAddress).Skip(first).Take(replies)).Replace("\0", "", StringComparison.Ordinal);
        var question = Model.Ask(ScriptedUpstreamReply.Text([.. reply.Chunk(16).Select(piece => new string(piece))]).SplitEvery(bytes));
        var page = await OpenAsync();
        await RegisterAsync(page);

        await SendAsync(page, question);
        await ExpectIdleAsync(page);
        var live = await page.Find(".message.assistant .text").InnerHTMLAsync();
        await page.KeepPictureAsync($"hostile-{bytes}-{first}");
        await page.Tab.ReloadAsync();
        await Expect(page.Find(".message")).ToHaveCountAsync(2);
        var stored = await page.Find(".message.assistant .text").InnerHTMLAsync();
        var strangers = await page.Tab.EvaluateAsync<string[]>($$"""
            () => {
              {{Strangers}}
              return strangers(document.querySelector('.message.assistant .text'));
            }
            """);

        Assert.That(stored, Is.EqualTo(live));
        Assert.That(strangers, Is.Empty);
        Assert.That(live, Does.Contain(inert));
    }

    [Test]
    public async Task Peoples_own_words_stay_as_they_were_written()
    {
        const string words = "**<b>a</b>** [x](https://elsewhere.example) <img src=x onerror=\"document.title='taken over'\">\n\n# `b`";
        var question = ModelScripts.NewQuestion(words);
        var page = await OpenAsync();
        await RegisterAsync(page, "<img src=x onerror=alert(1)>");

        await SendAsync(page, question);
        await ExpectIdleAsync(page);
        await page.Find("#delete-session").ClickAsync();

        Assert.That(await page.Find(".message.user .text").TextContentAsync(), Is.EqualTo(question));
        Assert.That(await page.Find(".message.user .text *").CountAsync(), Is.Zero);
        await Expect(page.Find("#delete-name")).ToContainTextAsync("<b>a</b>");
        Assert.That(await page.Tab.TitleAsync(), Does.StartWith("**<b>a</b>**").And.EndsWith("· ChatApi"));
    }
}
