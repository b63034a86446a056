using System.Buffers;
using System.Text.RegularExpressions;

namespace ChatApi.Infrastructure.Completions;

/// <summary>Spanish or English? By signs that only Spanish has, then by common words; English in doubt.</summary>
internal static partial class DemoLanguage
{
    private static readonly HashSet<string> SpanishWords = Words(
        """
        adiós algo ahora al algún alguna aquí ayuda ayúdame buena buenas bueno buenos código cómo como con cosas cuál cuales cuando
        cuándo cuánto cuéntame dame de del día días dime donde dónde dos ejemplo el ella eres es esa ese eso está están esta este
        esto estoy explica explícame favor funciona gracias gusta hablar hablas hace hacer hay haz hola idioma la las lo los luego
        mañana más mejor mi muchas mucho muy nada necesito noches nuevo otra otro para pero poema por porque puede puedes puedo que
        qué quién quiero resume saludos según ser si sí sobre son soy su sus tal también tarde tardes te tengo tiempo tiene tienes
        todo traduce tres tu tú un una uno usar vale vamos vez ya yo
        """);

    private static readonly HashSet<string> EnglishWords = Words(
        """
        about an and are bye can code could day do does explain for from give good have hello help hey hi how i i'm in is it language
        like list make many me my need of on please say should some speak talk tell thank thanks that the there these this to
        translate use want was we what what's when where which who why will with work write would yes you your
        """);

    private static readonly SearchValues<char> Accented = SearchValues.Create("áéíóúñÁÉÍÓÚÑ");

    public static bool IsSpanish(string text)
    {
        if (text.AsSpan().ContainsAny("¿¡"))
            return true;
        var words = Word().Matches(text).Select(match => match.Value).ToList();
        var spanish = words.Count(SpanishWords.Contains) + words.Count(word => word.AsSpan().ContainsAny(Accented));
        return spanish > words.Count(EnglishWords.Contains);
    }

    private static HashSet<string> Words(string list) =>
        new(list.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex(@"[\p{L}']+")]
    private static partial Regex Word();
}
