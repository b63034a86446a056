using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>The words of the demo assistant.</summary>
internal static partial class DemoReply
{
    private const int LongestQuote = 60;

    public static string To(IReadOnlyList<ChatMessage> messages)
    {
        var questions = messages.Where(message => message.Role == ChatRole.User).Select(message => message.Text).ToList();
        var question = questions.LastOrDefault() ?? "";
        var previous = questions.Count > 1 ? Quotable(questions[^2]) : null;
        var count = messages.Count(message => message.Role != ChatRole.System);
        return DemoLanguage.IsSpanish(question) ? Spanish(question, previous, count) : English(question, previous, count);
    }

    private static string Spanish(string question, string? previous, int count)
    {
        var (title, opening) = Thanks().IsMatch(question) ? ("¡De nada!", "Ha sido un placer.")
            : Greeting().IsMatch(question) ? ("¡Hola!", "Qué gusto leerte.")
            : ("Recibido", $"Me has escrito: «{Quotable(question)}».");
        var seen = count == 1 ? "1 mensaje" : $"{count} mensajes";
        var before = previous is null ? "Es tu primera pregunta." : $"Antes me escribiste: «{previous}».";
        const string who = "Soy el **asistente de demostración**: todavía no hay ningún modelo conectado, pero todo lo demás funciona de verdad.";
        const string how = "Para hablar con un modelo real, pon una clave de OpenAI en `.env`, o la dirección de un servidor compatible";
        return $"""
            ### {title}

            {opening} {who}

            - Veo {seen} de esta conversación.
            - {before}
            - Esta respuesta llega palabra por palabra y queda guardada.

            {how} como [Ollama](https://ollama.com), y reinicia:

            {Settings("o un servidor compatible:")}
            """;
    }

    private static string English(string question, string? previous, int count)
    {
        var (title, opening) = Thanks().IsMatch(question) ? ("You are welcome!", "It was a pleasure.")
            : Greeting().IsMatch(question) ? ("Hello!", "It is good to hear from you.")
            : ("Got it", $"You wrote: “{Quotable(question)}”.");
        var seen = count == 1 ? "1 message" : $"{count} messages";
        var before = previous is null ? "This is your first question." : $"Before, you wrote: “{previous}”.";
        const string who = "I am the **demo assistant**: no model is connected yet, but everything around me is real.";
        const string how = "To talk to a real model, put an OpenAI key into `.env`, or the address of a compatible server";
        return $"""
            ### {title}

            {opening} {who}

            - I can see {seen} of this conversation.
            - {before}
            - This reply reaches you word by word, and is stored.

            {how} such as [Ollama](https://ollama.com), and restart:

            {Settings("or a compatible server:")}
            """;
    }

    private static string Settings(string orElse) =>
        $"""
        ```bash
        # .env
        OPENAI_API_KEY=...
        # {orElse}
        OPENAI_BASE_URL=http://localhost:11434/v1
        OPENAI_MODEL=llama3.2
        ```
        """;

    /// <summary>On one line, short, whole characters only, and without a back-tick that could open a block of code.</summary>
    private static string Quotable(string text)
    {
        var line = Space().Replace(text.Replace('`', '\''), " ").Trim();
        var characters = StringInfo.ParseCombiningCharacters(line);
        return characters.Length <= LongestQuote ? line : line[..characters[LongestQuote - 1]].TrimEnd() + "…";
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"^\W*(hola|buen[oa]s|saludos|hello|hi|hey|good (morning|afternoon|evening))\b[^?¿]{0,20}$", RegexOptions.IgnoreCase)]
    private static partial Regex Greeting();

    [GeneratedRegex(@"\b(gracias|thanks|thank you)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Thanks();
}
