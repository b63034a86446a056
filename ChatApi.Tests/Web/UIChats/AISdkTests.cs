using System.Text.Json;
using System.Text.Json.Nodes;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.UIChats;

/// <summary>The real npm packages of the Vercel AI SDK before a real server: the transport, and the chat that every framework's <c>useChat</c> is made of.</summary>
[TestFixture(DatabaseKind.Sqlite)]
[TestFixture(DatabaseKind.Postgres)]
[Parallelizable(ParallelScope.Self)]
public sealed class AISdkTests(DatabaseKind database)
{
    /// <summary>The first version takes no field that it does not know; the others are the newest of each major version, and what Vue and Svelte have of it.</summary>
    private static readonly string[] Sdks = ["ai5-first", "ai5", "ai6", "ai7", "@ai-sdk/vue", "@ai-sdk/svelte"];

    private static readonly string Directory = Repository.File("ChatApi.Tests", "Web", "UIChats", "Sdk");
    private static readonly string[] Pieces = [.. Enumerable.Range(0, 40).Select(i => $"pieza {i}, 👋🏽 \"ñ\";\n")];
    private static readonly string Whole = string.Concat(Pieces);

    private ChatApiEnvironment _environment = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _environment = await ChatApiEnvironment.ForAsync(database);
        await NpmPackage.InstallAsync(Directory);
    }

    [TestCaseSource(nameof(Sdks))]
    public async Task The_transport_reads_every_part_and_makes_the_same_message_of_them(string sdk)
    {
        var told = await PlayAsync(sdk, "transport", _environment.Model.Ask(Slow()));

        var types = told["types"]!.AsArray().Select(type => type!.GetValue<string>()).ToList();
        Assert.That(types.Distinct(), Is.EqualTo(["start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish"]));
        Assert.That(Text(told["message"]), Is.EqualTo(Whole));
        Assert.That(told["message"]!["metadata"]!.ToJsonString(),
            Is.EqualTo("""{"status":"completed","finishReason":"stop","model":"scripted-model","usage":{"inputTokens":9,"outputTokens":40,"totalTokens":49,"estimated":false}}"""));
    }

    [TestCaseSource(nameof(Sdks))]
    public async Task A_conversation_is_asked_regenerated_edited_and_gone_on_with(string sdk)
    {
        var model = _environment.Model;
        var turn = 0;
        string[] questions = [Ask("uno"), Ask("dos"), Ask("tres")];
        var told = await PlayAsync(sdk, "conversation", questions);

        Assert.That((Status(told), told["errors"]!.AsArray().Count), Is.EqualTo(("ready", 0)));
        Assert.That(Texts(told["asked"]), Is.EqualTo([questions[0], "uno 1"]));
        Assert.That(Texts(told["regenerated"]), Is.EqualTo([questions[0], "uno 2"]));
        Assert.That(Texts(told["edited"]), Is.EqualTo([questions[1], "dos 3"]));
        Assert.That(Texts(told["again"]), Is.EqualTo([questions[1], "dos 5"]), "A reply in the middle is made anew, and what followed it is on another branch.");
        Assert.That(told["asked"]![0]!["id"]!.GetValue<string>(), Is.EqualTo(told["again"]![0]!["id"]!.GetValue<string>()));
        Assert.That(told["stored"]!.ToJsonString(), Is.EqualTo(told["again"]!.ToJsonString()), "After a reload all is as it was.");
        Assert.That(model.CallsFor(questions[2]).Single() is var call && ModelScripts.Conversation(call).Select(message => message.Content).SequenceEqual([questions[1], "dos 3", questions[2]]));

        string Ask(string word) => model.Ask(() => ScriptedUpstreamReply.Text($"{word} {Interlocked.Increment(ref turn)}"));
    }

    [TestCaseSource(nameof(Sdks))]
    public async Task Another_tab_resumes_in_mid_reply_and_where_nothing_runs_nothing_happens(string sdk)
    {
        var question = _environment.Model.Ask(Slow());
        var told = await PlayAsync(sdk, "resume", question);

        // Version 5.0.0 forgets that it has asked when there is nothing to resume.
        var idle = sdk == "ai5-first" ? "submitted" : "ready";
        Assert.That(told["statuses"]!.AsArray().Select(status => status!.GetValue<string>()), Is.EqualTo(["ready", "ready", idle, idle]));
        Assert.That(told["errors"]!.AsArray(), Is.Empty);
        Assert.That(Texts(told["before"]), Is.EqualTo([question]));
        Assert.That(Texts(told["chat"]), Is.EqualTo([question, Whole]));
        Assert.That(told["other"]!.ToJsonString(), Is.EqualTo(told["chat"]!.ToJsonString()));
        Assert.That(told["third"]!.ToJsonString(), Is.EqualTo(told["chat"]!.ToJsonString()));
    }

    [TestCaseSource(nameof(Sdks))]
    public async Task Stop_ends_the_stream_and_keeps_the_text(string sdk)
    {
        var question = _environment.Model.Ask(() => ScriptedUpstreamReply.Stream().Role().Delta("Hasta aquí").Silence());
        var told = await PlayAsync(sdk, "stop", question);

        Assert.That((told["answer"]!.GetValue<int>(), Status(told), told["errors"]!.AsArray().Count), Is.EqualTo((200, "ready", 0)));
        Assert.That(Texts(told["messages"]), Is.EqualTo([question, "Hasta aquí"]));
        Assert.That(told["messages"]![1]!["metadata"]!["status"]!.GetValue<string>(), Is.EqualTo("stopped"));
        Assert.That(told["stored"]!.ToJsonString(), Is.EqualTo(told["messages"]!.ToJsonString()));
    }

    [TestCaseSource(nameof(Sdks))]
    public async Task A_reply_that_breaks_off_is_an_error_in_our_words_and_can_be_made_anew(string sdk)
    {
        var calls = 0;
        var question = _environment.Model.Ask(() => Interlocked.Increment(ref calls) == 1
            ? ScriptedUpstreamReply.Stream().Role().Delta("Media ").Cut()
            : ScriptedUpstreamReply.Text("Entera"));
        var told = await PlayAsync(sdk, "error", question);

        Assert.That((Status(told["failed"]!), Status(told)), Is.EqualTo(("error", "ready")));
        Assert.That(told["errors"]!.AsArray().Single()!.GetValue<string>(), Is.EqualTo("The connection to the assistant broke off before the reply was complete."));
        Assert.That(Texts(told["failed"]!["messages"]), Is.EqualTo([question, "Media "]));
        Assert.That(Texts(told["messages"]), Is.EqualTo([question, "Entera"]));
    }

    [TestCaseSource(nameof(Sdks))]
    public async Task A_file_is_refused_with_a_clear_sentence(string sdk)
    {
        var told = await PlayAsync(sdk, "refused");

        Assert.That(Status(told), Is.EqualTo("error"));
        Assert.That(JsonDocument.Parse(told["errors"]!.AsArray().Single()!.GetValue<string>()).RootElement.GetProperty("error").GetString(),
            Is.EqualTo("Only text can be asked here: the message has a part of another type, a file say."));
    }

    private static ScriptedUpstreamReply Slow() => ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(25), Pieces);

    private static string Status(JsonNode told) => told["status"]!.GetValue<string>();

    private static string? Text(JsonNode? message) => message!["text"]!.GetValue<string>();

    private static IEnumerable<string?> Texts(JsonNode? messages) => messages!.AsArray().Select(Text);

    private async Task<JsonNode> PlayAsync(string sdk, string scene, params string[] questions)
    {
        var user = ApiClient.NewUser(_environment.Server);
        var printed = await NpmPackage.NodeAsync(Directory, "drive.mjs", JsonSerializer.Serialize(
            new { sdk, scene, api = new Uri(_environment.Server.Address, "/api/chat/ui"), token = user.Token, questions }));
        return JsonNode.Parse(printed.Split('\n').Last(line => line.StartsWith('{')))!;
    }
}
