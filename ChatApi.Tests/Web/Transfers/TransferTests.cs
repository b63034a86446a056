using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChatApi.Tests.Support;
using NUnit.Framework;
using static ChatApi.Tests.Web.Transfers.TransferFiles;

namespace ChatApi.Tests.Web.Transfers;

/// <summary>Conversations as files: taken along, and brought in again.</summary>
public sealed class TransferTests(DatabaseKind database) : HttpSuite(database)
{
    private const string ImportPath = "/api/chat/import";
    private const string ExportPath = "/api/chat/export";

    public static IEnumerable<TestCaseData> WrongFiles =>
    [
        Wrong("version", file => file["version"] = 2),
        Wrong("version", file => file["version"] = "1"),
        Wrong("version", file => file.Remove("version")),
        Wrong("sessions", file => file["sessions"] = new JsonObject()),
        Wrong("sessions[1]", file => file["sessions"]![1] = 5),
        Wrong("sessions[1].title", file => file["sessions"]![1]!["title"] = " "),
        Wrong("sessions[1].title", file => file["sessions"]![1]!["title"] = new string('x', 201)),
        Wrong("sessions[1].title", file => file["sessions"]![1]!["title"] = "a\nb"),
        Wrong("sessions[1].created_at", file => file["sessions"]![1]!["created_at"] = "yesterday"),
        Wrong("sessions[1].created_at", file => file["sessions"]![1]!["created_at"] = "2999-01-01T00:00:00Z"),
        Wrong("sessions[1].pinned", file => file["sessions"]![1]!["pinned"] = "yes"),
        Wrong("sessions[1].temperature", file => file["sessions"]![1]!["temperature"] = 2.5),
        Wrong("sessions[1].max_output_tokens", file => file["sessions"]![1]!["max_output_tokens"] = 0.5),
        Wrong("sessions[1].stop", file => file["sessions"]![1]!["stop"] = new JsonArray("a", "b", "c", "d", "e")),
        Wrong("sessions[1].stop[0]", file => file["sessions"]![1]!["stop"] = new JsonArray(1)),
        Wrong("sessions[1].metadata", file => file["sessions"]![1]!["metadata"] = new JsonArray()),
        Wrong("sessions[1].metadata", file => file["sessions"]![1]!["metadata"]!["z"] = new string('z', 5000)),
        Wrong("sessions[1].messages", file => file["sessions"]![1]!.AsObject().Remove("messages")),
        Wrong("sessions[1].messages[1000].parent_id", file => file["sessions"]![1]!["messages"] = Many(1001)),
        WrongMessage("id", message => message["id"] = "q1"),
        WrongMessage("id", message => message.Remove("id")),
        WrongMessage("parent_id", message => message["parent_id"] = "q2"),
        WrongMessage("parent_id", message => message["parent_id"] = "unknown"),
        WrongMessage("role", message => message["role"] = "system"),
        WrongMessage("content", message => message["content"] = " \n", "content_required"),
        WrongMessage("content", message => message["content"] = new string('x', 1_000_001), "content_too_long"),
        WrongMessage("content", message => message["content"] = null),
        WrongMessage("created_at", message => message["created_at"] = "1969-12-31T23:59:59Z"),
        WrongMessage("status", message => message["status"] = "running"),
        WrongMessage("finish_reason", message => message["finish_reason"] = new string('x', 65)),
        WrongMessage("usage.prompt_tokens", message => message["usage"] = JsonNode.Parse("""{"prompt_tokens":-1,"completion_tokens":1}""")),
        WrongMessage("usage", message => message["usage"] = JsonNode.Parse("""{"prompt_tokens":2147483647,"completion_tokens":1}""")),
        WrongMessage("feedback.rating", message => message["feedback"] = JsonNode.Parse("""{"rating":"great","rated_at":"2024-01-01T00:00:00Z"}""")),
        WrongMessage("on_branch", message => message["on_branch"] = 1),
    ];

    public static IEnumerable<TestCaseData> WrongChatGptFiles =>
    [
        WrongChatGpt("[1]", file => file[1] = "x"),
        WrongChatGpt("[1].mapping", file => file[1]!.AsObject().Remove("mapping")),
        WrongChatGpt("[1].mapping[0]", file => file[1]!["mapping"]!["root"] = 5),
        WrongChatGpt("[1].mapping[1].parent", file => file[1]!["mapping"]!["q"]!["parent"] = "nobody"),
        WrongChatGpt("[1].mapping", file => file[1]!["mapping"]!["root"]!["parent"] = "q"),
        WrongChatGpt("[1].mapping[1].message", file => file[1]!["mapping"]!["q"]!["message"] = "Hola"),
        WrongChatGpt("[1].mapping[1].message.author", file => file[1]!["mapping"]!["q"]!["message"]!.AsObject().Remove("author")),
        WrongChatGpt("[1].mapping[1].message.content.parts", file => file[1]!["mapping"]!["q"]!["message"]!["content"]!["parts"] = "Hola"),
        WrongChatGpt("[1].mapping[1].message.content.parts[0]", file => file[1]!["mapping"]!["q"]!["message"]!["content"]!["parts"]![0] = "a\0b"),
        WrongChatGpt("[1].mapping[1002]", file => Array.ForEach(
            [.. Enumerable.Range(0, 1001)], number => file[1]!["mapping"]![$"a{number}"] = Node("q", [], Said("assistant", "Hola")))),
        WrongChatGpt("[1].current_node", file => file[1]!["current_node"] = "nobody"),
        WrongChatGpt("[1].create_time", file => file[1]!["create_time"] = "yesterday"),
        WrongChatGpt("[1].title", file => file[1]!["title"] = 5),
    ];

    [Test]
    public async Task What_is_exported_and_imported_is_exported_the_same()
    {
        var (first, second) = (NewUser(), NewUser());
        var imported = (await first.PostAsync(ImportPath, Full())).Expect(HttpStatusCode.Created);

        var export = (await first.GetAsync(ExportPath)).Expect(HttpStatusCode.OK);
        (await second.PostRawAsync(ImportPath, export.Body)).Expect(HttpStatusCode.Created);
        var again = (await second.GetAsync(ExportPath)).Expect(HttpStatusCode.OK);

        Assert.That((imported.Json.GetProperty("sessions").GetInt32(), imported.Json.GetProperty("messages").GetInt32()), Is.EqualTo((3, 8)));
        Assert.That(Errors(export.Json), Is.Empty);
        Assert.That(WithoutIds(again.Json), Is.EqualTo(WithoutIds(export.Json)));
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(WithoutIds(export.Json)), JsonNode.Parse(WithoutIds(JsonSerializer.SerializeToElement(Full())))), WithoutIds(export.Json));
        Assert.That(export.Text, Does.Not.Contain(first.UserId.ToString()));
    }

    [Test]
    public async Task What_was_said_here_goes_along_with_branches_and_settings_and_an_import_goes_on_from_there()
    {
        var (user, other) = (NewUser(), NewUser());
        var made = await user.PostAsync("/api/chat/sessions", new { title = "Ida", temperature = 0.5, metadata = new { color = "azul" } });
        var session = made.Expect(HttpStatusCode.Created)["id"];
        await using (var reply = await user.StreamAsync(session, ModelScripts.NewQuestion("Primera")))
            await reply.ReadToEndAsync();
        await using (var anew = await user.StreamAsync($"/api/chat/realtime/sessions/{session}/regenerate", new { }))
            await anew.ReadToEndAsync();

        var export = (await user.GetAsync($"/api/chat/sessions/{session}/export")).Expect(HttpStatusCode.OK);
        var imported = (await other.PostRawAsync(ImportPath, export.Body)).Expect(HttpStatusCode.Created);
        var copy = imported.Json.GetProperty("ids")[0].GetString()!;
        var question = ModelScripts.NewQuestion("Segunda");
        await using (var reply = await other.StreamAsync(copy, question))
            await reply.ReadToEndAsync();

        Assert.That(Errors(export.Json), Is.Empty);
        Assert.That(WithoutIds((await other.GetAsync($"/api/chat/sessions/{copy}/export")).Json), Does.Contain("\"temperature\":0.5"));
        Assert.That(imported.Header("Location"), Does.EndWith($"/api/chat/sessions/{copy}"));
        var stored = (await other.GetAsync($"/api/chat/sessions/{copy}/messages")).Items;
        Assert.That(stored.Select(message => message.GetProperty("sibling_ids").GetArrayLength()), Is.EqualTo([1, 2, 1, 1]));
        Assert.That(stored[1].GetProperty("sibling_index").GetInt32(), Is.EqualTo(2));
        Assert.That(stored[2].GetProperty("parent_id").GetString(), Is.EqualTo(stored[1].GetProperty("id").GetString()));
        Assert.That((await other.GetAsync($"/api/chat/sessions/{copy}/messages?tree=true")).Items, Has.Count.EqualTo(5));
        Assert.That((await user.GetAsync("/api/chat/sessions")).Items, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_conversation_is_read_as_Markdown_and_both_kinds_have_a_name()
    {
        var user = NewUser();
        var file = new JsonObject
        {
            ["version"] = 1,
            ["sessions"] = new JsonArray(Session(
                "¿Qué/es: *esto*?", Message("q", null, "user", "# Hola\n\n- uno"), Message("a", "q", "assistant", "Nada", onBranch: false),
                Message("b", "q", "assistant", "**Todo**", status: "stopped"))),
        };
        var id = (await user.PostAsync(ImportPath, file)).Expect(HttpStatusCode.Created).Json.GetProperty("ids")[0];

        var text = (await user.GetAsync($"/api/chat/sessions/{id}/export?format=markdown")).Expect(HttpStatusCode.OK);
        var json = (await user.GetAsync($"/api/chat/sessions/{id}/export?format=json")).Expect(HttpStatusCode.OK);

        var day = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        Assert.That(text.Text, Is.EqualTo(
            "# ¿Qué/es: \\*esto\\*?\n\n## User, 2024-03-01 12:00:00 UTC\n\n# Hola\n\n- uno\n\n## Assistant, some-model, 2024-03-01 12:00:00 UTC, Stopped\n\n**Todo**\n"));
        Assert.That(text.Header("Content-Type"), Is.EqualTo("text/markdown; charset=utf-8"));
        Assert.That(json.Header("Content-Type"), Does.StartWith("application/json"));
        Assert.That(text.Header("Content-Disposition"), Does.StartWith("attachment;").And.Contain($"filename*=UTF-8''{Uri.EscapeDataString($"¿Qué-es- -esto-- {day}.md")}"));
        Assert.That(json.Header("Content-Disposition"), Does.Contain(".json"));
        Assert.That(json.Header("Cache-Control"), Is.EqualTo("no-store"));
        foreach (var format in new[] { "xml", "0", "JSON" })
            (await user.GetAsync($"/api/chat/sessions/{id}/export?format={format}")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Test]
    public async Task A_reply_in_the_making_is_not_in_an_export()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var gate = new TaskCompletionSource();
        var question = Model.Ask(ScriptedUpstreamReply.Stream().Role().Delta("Hola").WaitFor(gate.Task).Finish().Done());
        await using var reply = await user.StreamAsync(session, question);
        await reply.UntilAsync(received => received.Type == "content");

        var during = await user.GetAsync(ExportPath);
        gate.SetResult();
        await reply.ReadToEndAsync();
        var after = await user.GetAsync(ExportPath);

        Assert.That(Roles(during), Is.EqualTo(["user"]));
        Assert.That(Roles(after), Is.EqualTo(["user", "assistant"]));
        static IEnumerable<string?> Roles(ApiAnswer export) =>
            export.Expect(HttpStatusCode.OK).Json.GetProperty("sessions")[0].GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("role").GetString());
    }

    [TestCaseSource(nameof(WrongFiles))]
    [TestCaseSource(nameof(WrongChatGptFiles))]
    public async Task Of_a_file_in_which_something_is_wrong_nothing_is_stored_and_it_is_said_what(string path, string code, string file)
    {
        var user = NewUser();

        var answer = (await user.PostRawAsync(ImportPath, file)).ExpectProblem(HttpStatusCode.BadRequest, code);

        Assert.That(answer["error"], Does.StartWith($"{path} "), answer.Text);
        Assert.That(answer.Json.GetProperty("errors").EnumerateObject().Single().Name, Is.EqualTo(path));
        Assert.That((await user.GetAsync("/api/chat/sessions")).Text, Is.EqualTo("[]"));
    }

    [TestCase("")]
    [TestCase("null")]
    [TestCase("5")]
    [TestCase("\"x\"")]
    [TestCase("""{"version":1,"sessions":[],"version":1}""")]
    [TestCase("""{"version":1,"sessions":[],}""")]
    [TestCase("""{"version":1,"sessions":[{"title":"\u0000"}]}""")]
    [TestCase("""{"version":1,"sessions":[]}[]""")]
    public async Task Is_no_file(string body) =>
        (await NewUser().PostRawAsync(ImportPath, body)).ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");

    [Test]
    public async Task Files_that_are_deep_or_no_JSON_are_refused()
    {
        var user = NewUser();

        (await user.PostRawAsync(ImportPath, new string('[', 100_000))).ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");
        (await user.PostRawAsync(ImportPath, [(byte)'"', 0xff, (byte)'"'])).ExpectProblem(HttpStatusCode.BadRequest, "invalid_json");
        (await user.PostRawAsync(ImportPath, "[]", "text/plain")).ExpectProblem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        (await user.PostRawAsync(ImportPath, "\ufeff[]")).Expect(HttpStatusCode.Created);
        (await user.PostRawAsync(ImportPath, $"[{string.Join(',', Enumerable.Repeat("[]", 3_000_000))}]")).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Test]
    public async Task An_import_may_be_larger_than_other_requests_but_not_without_end()
    {
        var user = NewUser();
        var messages = Enumerable.Range(0, 5).Select(number => Message($"{number}", null, "assistant", new string('ñ', 500_000))).ToArray();
        var large = new JsonObject { ["version"] = 1, ["sessions"] = new JsonArray(Session("Larga", messages)) };

        (await user.PostAsync(ImportPath, large)).Expect(HttpStatusCode.Created);
        var stored = (await user.GetAsync(ExportPath)).Json.GetProperty("sessions")[0].GetProperty("messages").EnumerateArray().ToList();
        using var tooLarge = new HttpRequestMessage(HttpMethod.Post, ImportPath) { Content = new ByteArrayContent(new byte[33 * 1024 * 1024]) };
        tooLarge.Content.Headers.ContentType = ApiClient.JsonType;
        tooLarge.Headers.ExpectContinue = true;
        (await user.SendAsync(tooLarge)).ExpectProblem(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");

        Assert.That(stored.Select(message => message.GetProperty("content").GetString()!.Length), Is.EqualTo(Enumerable.Repeat(500_000, 5)));
    }

    [Test]
    public async Task A_model_that_is_not_to_be_had_here_is_left_out()
    {
        var user = NewUser();
        var file = Full();
        file["sessions"]![1]!["model"] = "gpt-of-somewhere-else";
        file["sessions"]![1]!["max_output_tokens"] = 999_999_999;

        var ids = (await user.PostAsync(ImportPath, file)).Expect(HttpStatusCode.Created).Json.GetProperty("ids");
        var session = (await user.GetAsync($"/api/chat/sessions/{ids[1]}")).Json;

        Assert.That(session.GetProperty("model").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(session.GetProperty("max_output_tokens").GetInt32(), Is.EqualTo(2000));
    }

    [Test]
    public async Task ChatGPTs_conversations_come_in_with_their_branches_and_without_their_machinery()
    {
        var user = NewUser();
        var model = new JsonObject { ["model_slug"] = "gpt-4o" };
        var file = new JsonArray(
            ChatGpt("Viaje", "a2", new()
            {
                ["root"] = Node(null, ["system"], null),
                ["system"] = Node("root", ["q"], Said("system", "")),
                ["q"] = Node("system", ["hidden"], Said("user", "¿Dónde?", 1_700_000_000.123456)),
                ["hidden"] = Node("q", ["call", "a1"], Said("assistant", "no", metadata: new() { ["is_visually_hidden_from_conversation"] = true })),
                ["a1"] = Node("hidden", [], Said("assistant", "Aquí", 1_700_000_005, metadata: model)),
                ["call"] = Node("hidden", ["tool"], Said("assistant", "search()", recipient: "browser")),
                ["tool"] = Node("call", ["a2"], Said("tool", "result")),
                ["a2"] = Node("tool", [], Said("assistant", "Allí", 1_700_000_010)),
                ["picture"] = Node("a1", ["end"], Said("user", new JsonObject { ["content_type"] = "image_asset_pointer" }, type: "multimodal_text")),
                ["end"] = Node("picture", [], Said("user", "Gracias", 9e12)),
            }),
            ChatGpt(null, null, new JsonObject()));

        var ids = (await user.PostAsync(ImportPath, file)).Expect(HttpStatusCode.Created).Json.GetProperty("ids");
        var tree = (await user.GetAsync($"/api/chat/sessions/{ids[0]}/messages?tree=true")).Items;

        Assert.That(await user.StoredAsync(ids[0].GetString()!), Is.EqualTo([("user", "¿Dónde?"), ("assistant", "Allí")]));
        Assert.That(tree.Select(message => message.GetProperty("content").GetString()), Is.EqualTo(["¿Dónde?", "Allí", "Aquí", "Gracias"]));
        Assert.That(tree[2].GetProperty("parent_id").GetString(), Is.EqualTo(tree[0].GetProperty("id").GetString()));
        Assert.That(tree[3].GetProperty("parent_id").GetString(), Is.EqualTo(tree[2].GetProperty("id").GetString()));
        Assert.That(tree[2].GetProperty("sibling_ids").GetArrayLength(), Is.EqualTo(2));
        Assert.That(tree[2].GetProperty("model").GetString(), Is.EqualTo("gpt-4o"));
        Assert.That(tree[0].GetProperty("created_at").GetString(), Is.EqualTo("2023-11-14T22:13:20.123456Z"));
        Assert.That(tree[3].GetProperty("created_at").GetString(), Is.EqualTo("2023-11-14T22:13:25Z"), "A time that cannot be is that of the message before.");
        var session = (await user.GetAsync($"/api/chat/sessions/{ids[0]}")).Expect(HttpStatusCode.OK);
        Assert.That((session["title"], session["created_at"]), Is.EqualTo(("Viaje", "2023-11-14T22:13:00Z")));
        Assert.That((await user.GetAsync($"/api/chat/sessions/{ids[1]}")).Expect(HttpStatusCode.OK)["title"], Is.EqualTo("Nueva conversación"));
    }

    [Test]
    public async Task A_branch_goes_on_to_the_newest_message_whatever_the_file_says_is_its_last()
    {
        var user = NewUser();
        var own = new JsonObject
        {
            ["version"] = 1,
            ["sessions"] = new JsonArray(Session(
                "Cortada", Message("q", null, "user", "uno"), Message("a", "q", "assistant", "dos"),
                Message("b", "a", "user", "tres", onBranch: false), Message("c", "a", "user", "cuatro", onBranch: false), Message("d", "c", "assistant", "cinco", onBranch: false))),
        };
        var other = new JsonArray(ChatGpt("Cortada", "q", new()
        {
            ["q"] = Node(null, ["a"], Said("user", "uno")),
            ["a"] = Node("q", [], Said("assistant", "dos")),
        }));
        var first = (await user.PostAsync(ImportPath, own)).Expect(HttpStatusCode.Created).Json.GetProperty("ids")[0].GetString()!;
        var second = (await user.PostAsync(ImportPath, other)).Expect(HttpStatusCode.Created).Json.GetProperty("ids")[0].GetString()!;

        Assert.That((await user.StoredAsync(first)).Select(message => message.Content), Is.EqualTo(["uno", "dos", "cuatro", "cinco"]));
        Assert.That((await user.StoredAsync(second)).Select(message => message.Content), Is.EqualTo(["uno", "dos"]));
    }

    private static JsonArray Many(int count) => [.. Enumerable.Range(0, count).Select(number => Message($"{number}", null, "user", "Hola"))];

    private static JsonObject ChatGpt(string? title, string? current, JsonObject mapping) => new()
    {
        ["title"] = title,
        ["create_time"] = 1_699_999_980.0,
        ["update_time"] = 1_700_000_020.5,
        ["mapping"] = mapping,
        ["current_node"] = current,
        ["plugin_ids"] = null,
    };

    private static TestCaseData Wrong(string path, Action<JsonObject> change, string code = "invalid_request")
    {
        var file = Full();
        change(file);
        return new TestCaseData(path, code, file.ToJsonString()).SetArgDisplayNames(path, $"{file.ToJsonString().Length}");
    }

    private static TestCaseData WrongMessage(string field, Action<JsonObject> change, string code = "invalid_request") =>
        Wrong($"sessions[0].messages[3].{field}", file => change(file["sessions"]![0]!["messages"]![3]!.AsObject()), code);

    private static TestCaseData WrongChatGpt(string path, Action<JsonArray> change)
    {
        var file = new JsonArray(ChatGpt("a", null, new JsonObject()), ChatGpt("b", "q", new()
        {
            ["root"] = Node(null, ["q"], null),
            ["q"] = Node("root", [], Said("user", "Hola")),
        }));
        change(file);
        return new TestCaseData(path, "invalid_request", file.ToJsonString()).SetArgDisplayNames(path, $"{file.ToJsonString().Length}");
    }
}
