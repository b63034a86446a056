using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ChatApi.Tests.Web.AnyBytes;

/// <summary>Texts of every kind that may come in and must come back as they were.</summary>
internal static class RandomText
{
    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] Pieces =
    [
        "hola ", "ñ", "é", "e\u0301", "日本", "العربية", "👋🏽", "👩‍👩‍👧‍👦", "🇨🇴", "\u2028", "\u202e", "\ufeff", "\u200b", "\uffff", "\U0010ffff", "<script>", "&amp;", "\"", "\\", "/",
        "'; DROP TABLE users; --", "%00", "%_", "${x}", "{{x}}", "data: ", "[DONE]", "null", "\u00a0", "\u0085", "ß", "İ", "ﬁ", "𝒜", "a", "Z", "0", "-", ".",
    ];

    private static readonly string[] ControlPieces = ["\n", "\r\n", "\r", "\t", "\u0001", "\u001b[31m", "\u007f", "\u0085"];

    /// <summary>A text of this many UTF-16 units at most, mostly far shorter, now and then exactly so long; never blank.</summary>
    public static string Next(Random random, int max, bool withControls)
    {
        var length = random.Next(40) == 0 ? max : random.Next(1, Math.Min(max, 60) + 1);
        var text = new StringBuilder("x");
        while (text.Length < length)
        {
            var piece = withControls && random.Next(6) == 0 ? ControlPieces[random.Next(ControlPieces.Length)] : Pieces[random.Next(Pieces.Length)];
            if (!withControls && piece.Any(char.IsControl))
                continue;
            text.Append(text.Length + piece.Length <= length ? piece : new string('y', length - text.Length));
        }

        return text.ToString();
    }

    /// <summary>As a JSON string: as it is, or with all that is not ASCII in escapes.</summary>
    public static string Json(Random random, string text) => random.Next(2) == 0 ? JsonSerializer.Serialize(text) : JsonSerializer.Serialize(text, Unescaped);
}
