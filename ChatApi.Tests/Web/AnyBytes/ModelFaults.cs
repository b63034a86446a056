using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.AnyBytes;

/// <summary>Ways in which the model fails, by a word in the question.</summary>
internal static class ModelFaults
{
    private static readonly Dictionary<string, Func<ScriptedUpstreamReply>> ByWord = new()
    {
        ["⛔500 "] = () => ScriptedUpstreamReply.Status(500, ScriptedUpstreamReply.Error("canary-upstream-body")),
        ["⛔429 "] = () => ScriptedUpstreamReply.Status(429, ScriptedUpstreamReply.Error("canary-upstream-body")),
        ["⛔401 "] = () => ScriptedUpstreamReply.Status(401, ScriptedUpstreamReply.Error("canary-upstream-body", "invalid_api_key")),
        ["⛔html "] = () => ScriptedUpstreamReply.Status(200, "<html>canary-upstream-body</html>"),
        ["⛔cut "] = () => ScriptedUpstreamReply.Stream().Role().Delta("Hola").Cut(),
        ["⛔error "] = () => ScriptedUpstreamReply.Stream().Role().Delta("Hola").Event(ScriptedUpstreamReply.Error("canary-upstream-body")),
        ["⛔empty "] = () => ScriptedUpstreamReply.Stream(),
        ["⛔reset "] = () => ScriptedUpstreamReply.Nothing().Reset(),
    };

    public static string[] Words { get; } = [.. ByWord.Keys];

    public static ScriptedUpstreamReply For(ScriptedUpstreamCall call) =>
        ByWord.FirstOrDefault(pair => Question(call).StartsWith(pair.Key, StringComparison.Ordinal)).Value?.Invoke()
        ?? ScriptedUpstreamReply.Text("Hola", ", ¿qué", " tal? 👋");

    private static string Question(ScriptedUpstreamCall call) => call.Json.GetProperty("messages").EnumerateArray().Last().GetProperty("content").ToString();
}
