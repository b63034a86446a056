using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>Replicas that make titles, and a model that gives those that tests ask for, by the question.</summary>
internal sealed class TitleWorld : IAsyncDisposable
{
    public const string DefaultTitle = "Nueva conversación";

    private readonly ConcurrentDictionary<string, Func<ScriptedUpstreamReply>> _titles = new();

    private TitleWorld(Cluster cluster)
    {
        Cluster = cluster;
        var others = cluster.Upstream.Default;
        cluster.Upstream.Default = call => !IsForTitle(call) ? others(call)
            : _titles.FirstOrDefault(title => UserTextOf(call).Contains(title.Key, StringComparison.Ordinal)).Value?.Invoke() ?? ScriptedUpstreamReply.Text("Un título");
    }

    public Cluster Cluster { get; }

    public static async Task<TitleWorld> StartAsync(Storage storage, int replicas = 1, Dictionary<string, string?>? settings = null)
    {
        var all = new Dictionary<string, string?> { ["CHAT_TITLES"] = null };
        foreach (var (name, value) in settings ?? [])
            all[name] = value;
        return new(await Cluster.StartAsync(storage, replicas, all));
    }

    /// <summary>A question that nobody has asked before, and what the model says when it is asked for a title.</summary>
    public string Ask(ScriptedUpstreamReply title, string text = "¿Cómo hago pan de centeno?", ScriptedUpstreamReply? reply = null)
    {
        // The mark comes last, so that it is not in the title: beyond its words.
        var question = reply is null ? ModelScripts.NewQuestion(text) : Cluster.Model.Ask(reply, text);
        _titles[question] = () => title;
        return question;
    }

    /// <summary>The calls for the title of the conversation with this question.</summary>
    public IReadOnlyList<ScriptedUpstreamCall> TitleCalls(string question) =>
        [.. Cluster.Upstream.Calls.Where(call => IsForTitle(call) && UserTextOf(call).Contains(question, StringComparison.Ordinal))];

    public Task<ScriptedUpstreamCall> TitleCallAsync(string question) =>
        Poll.ForAsync(() => Task.FromResult(TitleCalls(question) is [var call, ..] ? call : null), "the call for a title");

    public static async Task<string> TitleAsync(ApiClient user, string session) =>
        (await user.GetAsync($"/api/chat/sessions/{session}")).Expect(HttpStatusCode.OK)["title"];

    public static Task UntilTitledAsync(ApiClient user, string session, string title) =>
        Poll.UntilAsync(async () => await TitleAsync(user, session) == title, $"the title {title}");

    /// <summary>Until it is said in the log of a replica that the model gave none.</summary>
    public Task UntilGivenUpAsync(string session, int replica = 0) => Poll.UntilAsync(
        () => Cluster.Replicas[replica].Output.Contains($"The title of session {session} is made from its question", StringComparison.Ordinal), "the end of the call for a title");

    public static bool IsForTitle(ScriptedUpstreamCall call) =>
        Messages(call).First().GetProperty("content").GetString()!.StartsWith("Give the conversation a title", StringComparison.Ordinal);

    public static string UserTextOf(ScriptedUpstreamCall call) => Messages(call).Last().GetProperty("content").GetString()!;

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();

    private static JsonElement.ArrayEnumerator Messages(ScriptedUpstreamCall call) => call.Json.GetProperty("messages").EnumerateArray();
}
