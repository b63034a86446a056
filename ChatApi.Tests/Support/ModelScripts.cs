using System.Collections.Concurrent;
using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>
/// Lets many tests share one <see cref="ScriptedUpstream"/>: the answer is chosen by the question, which each test makes
/// unique. A question that nobody has scripted gets a short good reply.
/// </summary>
public sealed class ModelScripts
{
    private readonly ScriptedUpstream _upstream;
    private readonly ConcurrentDictionary<string, Func<ScriptedUpstreamReply>> _replies = new();

    public ModelScripts(ScriptedUpstream upstream)
    {
        _upstream = upstream;
        upstream.Default = call => _replies.TryGetValue(QuestionOf(call), out var reply) ? reply() : ScriptedUpstreamReply.Text("Hola", ", ¿qué", " tal? 👋");
    }

    /// <summary>What an unscripted question is answered with.</summary>
    public const string DefaultReply = "Hola, ¿qué tal? 👋";

    /// <summary>A question that nobody has asked before, with its answer.</summary>
    public string Ask(ScriptedUpstreamReply reply, string text = "Pregunta") => Ask(() => reply, text);

    /// <summary>A question that nobody has asked before, with its answer.</summary>
    public string Ask(Func<ScriptedUpstreamReply> reply, string text = "Pregunta")
    {
        var question = NewQuestion(text);
        _replies[question] = reply;
        return question;
    }

    /// <summary>From now on this question is answered so.</summary>
    public void On(string question, ScriptedUpstreamReply reply) => _replies[question] = () => reply;

    public static string NewQuestion(string text = "Pregunta") => $"{text} {Canary.Mark}-{Guid.NewGuid():N}";

    /// <summary>The calls that ended with this question.</summary>
    public IReadOnlyList<ScriptedUpstreamCall> CallsFor(string question) => [.. _upstream.Calls.Where(call => QuestionOf(call) == question)];

    /// <summary>What the model was given, as role and content, without the system prompt.</summary>
    public static IReadOnlyList<(string Role, string Content)> Conversation(ScriptedUpstreamCall call) =>
        [.. Messages(call).Where(message => message.Role is not ("system" or "developer"))];

    private static string QuestionOf(ScriptedUpstreamCall call) => Messages(call).LastOrDefault(message => message.Role == "user").Content ?? "";

    private static IEnumerable<(string Role, string Content)> Messages(ScriptedUpstreamCall call) =>
        call.Json.GetProperty("messages").EnumerateArray()
            .Select(message => (message.GetProperty("role").GetString()!, TextOf(message.GetProperty("content"))));

    private static string TextOf(JsonElement content) => content.ValueKind == JsonValueKind.String
        ? content.GetString()!
        : string.Concat(content.EnumerateArray().Select(part => part.GetProperty("text").GetString()));
}
