using Microsoft.Playwright;
using NUnit.Framework;
using static Microsoft.Playwright.Assertions;

namespace ChatApi.Tests.Web.DemoPage;

/// <summary>What the page says in which language.</summary>
public sealed class LanguageTests : DemoPageSuite
{
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
}
