using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ChatApi.Application.Shares;
using ChatApi.Domain;

namespace ChatApi.Web.Shares;

/// <summary>Shows what was shared to whoever has the link: text alone, since the model's words, and the people's, are not to be trusted.</summary>
internal static class SharedPage
{
    private const string Style = """
        :root { color-scheme: light dark; font: 100%/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif; }
        body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; background: light-dark(#f6f6f3, #14181a); color: light-dark(#1d2224, #e8ecec); }
        h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere; }
        header p, h2 { margin: 0; color: light-dark(#596166, #a2adb0); font-size: 0.875rem; font-weight: 600; }
        article { margin-top: 1rem; padding: 0.75rem 1rem; border-radius: 0.75rem; }
        .user { background: light-dark(#e1f0ec, #1d3a35); }
        .assistant { background: light-dark(#ffffff, #1b2022); }
        .text { margin: 0.25rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
        """;

    /// <summary>Lets this one style in, and no other.</summary>
    public static string StyleHash { get; } = $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}";

    public static async Task WriteAsync(HttpResponse response, SharedResponse shared)
    {
        var day = shared.CreatedAt.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        Start(response, StatusCodes.Status200OK);
        await response.WriteAsync(Head(shared.Title, $"""<p>As it was on <time datetime="{day}">{day}</time></p>"""));
        foreach (var message in shared.Messages)
        {
            var (name, words) = message.Role == MessageRole.User ? ("user", "User") : ("assistant", "Assistant");
            await response.WriteAsync($"""<article class="{name}"><h2>{words}</h2><div class="text" dir="auto">{Text(message.Content)}</div></article>""" + "\n");
        }

        await response.WriteAsync("</main></body></html>\n");
    }

    public static Task WriteNothingAsync(HttpResponse response)
    {
        Start(response, StatusCodes.Status404NotFound);
        return response.WriteAsync(Head("There is nothing here", "<p>The link is wrong, or it does not work any more.</p>") + "</main></body></html>\n");
    }

    private static void Start(HttpResponse response, int status)
    {
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
    }

    /// <summary>
    /// What HTML could take for its own between two tags. The framework's encoder does more than that, and wrong: what it makes of U+0085
    /// is shown as three dots.
    /// </summary>
    private static string Text(string text) => new StringBuilder(text)
        .Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("\"", "&quot;").Replace("\r", "&#13;")
        .ToString();

    private static string Head(string title, string line) =>
        $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex, nofollow, noarchive">
        <meta name="referrer" content="no-referrer">
        <title>{Text(title)}</title>
        <link rel="icon" href="data:,">
        <style>{Style}</style>
        </head>
        <body>
        <header><h1 dir="auto">{Text(title)}</h1>{line}</header>
        <main>

        """;
}
