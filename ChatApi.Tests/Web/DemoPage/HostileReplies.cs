namespace ChatApi.Tests.Web.DemoPage;

/// <summary>What a model could be brought to say to whoever reads it.</summary>
internal static class HostileReplies
{
    private const string Canary = "$CANARY";

    private static readonly string[] Markup =
    [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=$CANARY/x.js></SCRIPT>",
        "<img src=x onerror=alert(1)> <IMG SRC=\"$CANARY/i.png\">",
        "<svg onload=alert(1)><image href='$CANARY/i.svg'/></svg>",
        "<iframe src=\"$CANARY/frame\" srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<object data=\"$CANARY/o\"></object><embed src=\"$CANARY/e\">",
        "<style>@import '$CANARY/s.css'; * { display: none }</style><link rel=stylesheet href=$CANARY/l.css>",
        "<meta http-equiv=refresh content=\"0;url=$CANARY/\"><base href=\"$CANARY/\">",
        "<form action=$CANARY/f><button autofocus onfocus=alert(1)>x</button></form>",
        "<a href=\"javascript:alert(1)\">x</a> <details open ontoggle=alert(1)>",
        "<math><mtext></mtext><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
        "- <b onmouseover=alert(1)>a\n> <i style=\"background:url($CANARY/b)\">b\n# <u onclick=alert(1)>c",
        "| <script>alert(1)</script> | b |\n|---|---|\n| <img src=$CANARY/t.png> | `<svg onload=alert(1)>` |",
        "```<script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```",
        "```\" onload=alert(1) x=\"\n<img src=$CANARY/c.png>\n```",
    ];

    private static readonly string[] Addresses =
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1)) [x](JAVASCRIPT:alert`1`)",
        "[x](java\tscript:alert(1)) [x](java\nscript:alert(1)) [x]( javascript:alert(1))",
        "[x](\u0001javascript:alert(1)) [x](java\u0000script:alert(1)) [x](\u00a0javascript:alert(1))",
        "[x](java\\script:alert(1)) [x](javascript\\:alert(1)) [x](<javascript:alert(1)>)",
        "[x](javascript&colon;alert(1)) [x](&#106;avascript:alert(1)) [x](&#x6A;avascript&#58;alert(1))",
        "[x](javascript%3Aalert(1)) [x](%6Aavascript:alert(1)) [x](\u202ejavascript:alert(1)) [x](\ufeffjavascript:alert(1))",
        "[x](vbscript:msgbox(1)) [x](data:text/html,<script>alert(1)</script>) [x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
        "[x](file:///etc/passwd) [x](blob:$CANARY/1) [x](view-source:$CANARY) [x](//elsewhere.example) [x](/api/chat) [x](#/) [x](\\\\elsewhere.example)",
        "[x](https:javascript:alert(1)) [x](https://user:secret@elsewhere.example/) [x](https://bank.example@elsewhere.example)",
        "<javascript:alert(1)> <data:text/html,x> <https://elsewhere.example/\"onmouseover=alert(1)>",
        "[x](https://elsewhere.example/\"onmouseover=\"alert(1)) [x](https://elsewhere.example \"\\\" onclick=alert(1) \\\"\") https://elsewhere.example/'><script>alert(1)</script>",
        "![x]($CANARY/i.png) ![]($CANARY/j.png) ![x](javascript:alert(1)) ![x](data:image/svg+xml,<svg onload=alert(1)>)",
        "[![x]($CANARY/k.png)](javascript:alert(1)) [![x](javascript:alert(1))](https://elsewhere.example)",
        "[x][1] ![y][1] [1]\n\n[1]: javascript:alert(1)\n[y]: $CANARY/r.png",
        "[a [b](https://elsewhere.example) c](javascript:alert(1)) [[[x](javascript:alert(1))](data:,x)](vbscript:x)",
        "[`](javascript:alert(1))` *[x*](javascript:alert(1)) [x](https://elsewhere.example/*a*_b_`c`)",
        "mailto:a@elsewhere.example?body=<script> [m](mailto:a@elsewhere.example) <mailto:a@elsewhere.example>",
    ];

    private static readonly string[] Shapes =
    [
        "**a *b __c _d `e [f](https://elsewhere.example ![g](",
        "***a** b* __c_ d_ ~~e~ f~~ *****g*** \\*h\\* \\",
        "> - 1. > ```\n> - 1. > <script>\n> - a\n>> b\nc",
        "\u202eReversed \u2066isolated [\u202elink](https://elsewhere.example) `\u202ecode`",
        "a\u0000b\u0001c\u200bd\u2028e\u2029f\rg\r\nh\u0085i 👩‍👩‍👧 e\u0301",
        "| a |\n|:-:|\n| b | c | d |\n\n|||\n|-|-|\n\\| | `|`",
        "constructor __proto__ [__proto__](constructor) # toString\n# hasOwnProperty\n\n```__proto__\nx\n```",
    ];

    /// <summary>Short ones, to be split everywhere.</summary>
    /// <param name="canary">Where nothing may be asked for.</param>
    public static string[] Short(Uri canary) =>
        [.. Markup.Concat(Addresses).Concat(Shapes).Select(reply => reply.Replace(Canary, canary.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal))];

    /// <summary>Long ones, to wear the renderer out.</summary>
    public static string[] Long { get; } =
    [
        Times(">"), Times("> "), Times("*"), Times("*a "), Times("a* "), Times("*") + "a" + Times("*"), Times("*a _b ") + Times("a_ b* "), Times("_a"),
        Times("[") + Times("]"), Times("[") + Times("](https://a.example)"), Times("![") + Times("](https://a.example)"),
        Times("[a]("), Times("[a](b \"c "), Times("`a"), string.Join(' ', Enumerable.Range(1, 300).Select(length => new string('`', length))),
        Times("- ") + "x", Times("1. ") + "x", Times("- > ") + "x", string.Join('\n', Enumerable.Range(0, 200).Select(depth => new string(' ', 2 * depth) + "- a")),
        Times("<a "), Times("<https://"), Times("http://"), "https://a.example/" + Times(")"), Times("\\"), Times("#"), "# a" + Times(" ") + "# b",
        "```" + Times(" ") + "`", Times("|a") + "\n" + Times("|-"), Times("a|b\n"), Times("\n"), Times("~~a"), Times("**a*"),
    ];

    private static string Times(string text) => string.Concat(Enumerable.Repeat(text, 10_000));
}
