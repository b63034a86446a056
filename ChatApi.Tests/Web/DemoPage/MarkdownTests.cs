using System.Globalization;
using ChatApi.Tests.Support;
using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>The assistant's Markdown on the page.</summary>
public sealed class MarkdownTests : DemoPageSuite
{
    private const string Everything = """
        # Title

        A **strong** and *light* `word`,
        a [link](https://example.org/a) and ~~nothing~~.

        - one
          1. inner
        - two

        > quoted

        ```bash
        echo "a line that is so long that it has to scroll inside of its own box, on a phone and also on a wider screen than that"
        ```

        | a | b |
        |:--|--:|
        | 1 | 2 |

        ---

        ![cat](https://example.org/cat.png)
        """;

    [Test]
    public async Task A_reply_has_all_its_elements_and_is_said_once_without_its_marks()
    {
        var question = Model.Ask(ScriptedUpstreamReply.Text([.. Everything.Chunk(3).Select(piece => new string(piece))]));
        var page = await OpenAsync();
        await RegisterAsync(page);
        await page.Tab.EvaluateAsync("""
            () => {
              window.said = [];
              new MutationObserver(() => window.said.push(announcer.textContent)).observe(announcer, { childList: true, characterData: true, subtree: true });
            }
            """);

        await SendAsync(page, question);
        await ExpectIdleAsync(page);
        await page.KeepPictureAsync("markdown");
        var tags = await page.Find(".message.assistant .text *:not(.code-head, .code-head *)").EvaluateAllAsync<string[]>(
            "elements => elements.map(element => element.localName)");
        var said = await page.Tab.EvaluateAsync<string[]>("window.said.filter(text => text.includes('strong'))");

        Assert.That(string.Join(' ', tags), Is.EqualTo(
            "h3 p strong em code br a del ul li p ol li p li p blockquote p div pre code div table thead tr th th tbody tr td td hr p a"));
        Assert.That(said, Has.Length.EqualTo(1));
        Assert.That(said[0], Does.StartWith("Assistant: Title").And.Contain("A strong and light word").And.Not.Contain("**").And.Not.Contain("Copy"));
        await Expect(page.Find("#log")).ToHaveAttributeAsync("aria-live", "off");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Code_and_the_reply_as_it_was_written_can_be_copied(bool hasClipboard)
    {
        var question = Model.Ask(ScriptedUpstreamReply.Text("**Run** this:\n\n```sh\nls\n\tpwd\n```\n"));
        var page = await OpenAsync(new BrowserNewContextOptions { Permissions = ["clipboard-read", "clipboard-write"] });
        await RegisterAsync(page);
        if (!hasClipboard)
            await page.Tab.EvaluateAsync("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
        await SendAsync(page, question);
        await ExpectIdleAsync(page);

        await page.Find(".code .copy").ClickAsync();
        await Expect(page.Find("#announcer")).ToHaveTextAsync("Copied.");
        await ExpectPastedAsync(page, "ls\n\tpwd");
        await page.Find(".copy-reply:visible").ClickAsync();
        await ExpectPastedAsync(page, "**Run** this:\n\n```sh\nls\n\tpwd\n```\n");
    }

    [Test]
    public async Task What_is_only_half_there_does_not_look_broken()
    {
        var page = await OpenAsync();

        var shown = await page.Tab.EvaluateAsync<string[]>("""
            async () => {
              const { MarkdownView } = await import('/markdown/view.js');
              return ['a **b', 'a *b **c', 'a `b', 'a [b](https://exam', '```js\nb\n``', '- a **b'].map(text => {
                const place = document.createElement('div');
                new MarkdownView(place).show(text, true);
                place.querySelector('.code-head')?.remove();
                return place.innerHTML.replace(/ (?:dir|tabindex|class)="\w+"/g, '');
              });
            }
            """);

        Assert.That(shown, Is.EqualTo(new[]
        {
            "<p>a <strong>b</strong></p>",
            "<p>a <em>b <strong>c</strong></em></p>",
            "<p>a <code>b</code></p>",
            "<p>a b</p>",
            "<div><pre><code>b</code></pre></div>",
            "<ul><li><p>a <strong>b</strong></p></li></ul>",
        }));
    }

    [Test]
    public async Task A_long_reply_costs_no_more_per_piece_than_a_short_one_and_what_has_been_read_is_left_alone()
    {
        var page = await OpenAsync();

        var counts = await page.Tab.EvaluateAsync<int[]>("""
            async () => {
              const { MarkdownView } = await import('/markdown/view.js');
              const place = document.body.appendChild(document.createElement('div'));
              const view = new MarkdownView(place);
              let made = 0;
              const create = document.createElement.bind(document);
              document.createElement = tag => (made++, create(tag));
              let text = '';
              const grow = () => {
                for (const piece of ['A **word', '** and\n', 'another.\n\n']) view.show(text += piece, true);
              };
              for (let i = 0; i < 10; i++) grow();
              const read = [...place.children].slice(0, 8);
              const observer = new MutationObserver(() => {});
              for (const element of read) observer.observe(element, { attributes: true, childList: true, characterData: true, subtree: true });
              made = 0;
              for (let i = 0; i < 1000; i++) grow();
              document.createElement = create;
              const touched = observer.takeRecords().length + read.filter(element => !element.isConnected).length;
              place.remove();
              return [made, touched];
            }
            """);

        Assert.That(counts[0], Is.LessThan(3 * 1000 * 10), "elements made for 3000 pieces");
        Assert.That(counts[1], Is.Zero, "changes in what had been read");
    }

    [TestCase(360, ColorScheme.Dark)]
    [TestCase(360, ColorScheme.Light)]
    [TestCase(1100, ColorScheme.Dark)]
    public async Task Code_and_tables_scroll_inside_themselves(int width, ColorScheme scheme)
    {
        var wide = $"{Everything}\n\n|{string.Concat(Enumerable.Range(1, 30).Select(column => $" column {column} |"))}\n|{string.Concat(Enumerable.Repeat("-|", 30))}\n";
        var question = Model.Ask(ScriptedUpstreamReply.Text(wide));
        var page = await OpenAsync(new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = width, Height = 800 }, ColorScheme = scheme });
        await RegisterAsync(page);

        await SendAsync(page, question);
        await ExpectIdleAsync(page);
        await page.KeepPictureAsync(string.Create(CultureInfo.InvariantCulture, $"markdown-{width}-{scheme}"));

        Assert.That(await page.Tab.EvaluateAsync<int>("document.documentElement.scrollWidth"), Is.EqualTo(width));
        Assert.That(await page.Tab.EvaluateAsync<bool>("scroller.scrollWidth <= scroller.clientWidth"), Is.True);
        Assert.That(await page.Find(".text .table").Last.EvaluateAsync<bool>("table => table.scrollWidth > table.clientWidth"), Is.True);
        Assert.That(await page.Find(".text pre").First.EvaluateAsync<bool>("code => code.scrollWidth > code.clientWidth"), Is.True);
    }

    private static async Task ExpectPastedAsync(BrowserPage page, string text)
    {
        await page.Find("#content").FillAsync("");
        await page.Find("#content").PressAsync("Control+V");
        await Expect(page.Find("#content")).ToHaveValueAsync(text);
    }
}
