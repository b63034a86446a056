using System.Net;
using System.Text.Json.Nodes;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>
/// Every operation of the OpenAPI document, with no token, with a deleted account's, and with another user's. An operation that these
/// tests do not know how to call fails them: whoever adds one has to say here what is whose.
/// </summary>
public sealed class OwnershipTests(DatabaseKind database) : HttpSuite(database)
{
    private const string Password = "correct horse battery";

    /// <summary>What the id in a path is one of, by the segment before it.</summary>
    private static readonly string[] Kinds = ["ui", "sessions", "messages", "runs", "shares"];

    /// <summary>Fields of bodies that name something of somebody's, and what.</summary>
    private static readonly Dictionary<string, string> References = new() { ["session_id"] = "sessions", ["message_id"] = "messages", ["run_id"] = "runs" };

    /// <summary>Fields of bodies that name nothing.</summary>
    private static readonly string[] Words = [
        "email", "password", "name", "title", "content", "role", "initial_message", "pinned", "archived",
        "model", "system_prompt", "temperature", "max_output_tokens", "top_p", "stop", "metadata", "messages", "trigger",
        "version", "expires_in_days", "rating", "comment"];

    /// <summary>Fields whose words are the client's own: another user's id is a word there like any other.</summary>
    private static readonly Dictionary<string, string> OwnNames = new() { ["id"] = "ui", ["messageId"] = "messages" };

    /// <summary>Operations where what a name does not name is no error: nothing runs there, and nothing was said.</summary>
    private static readonly string[] Forgiving = ["resume_ui_message", "get_ui_messages"];

    /// <summary>Operations that name nothing of anybody's: they are about the one who asks.</summary>
    private static readonly string[] AboutOneself = ["get_me", "delete_me", "get_usage", "list_models", "list_sessions", "create_session", "start_session",
        "export_all", "import", "list_shares", "stream_ui_message"];

    private static readonly string[] Public = ["register", "login", "get_shared"];

    public static IEnumerable<TestCaseData> All => Cases(operation => !Public.Contains(operation.Id));

    public static IEnumerable<TestCaseData> WithIds => Cases(operation => !Public.Contains(operation.Id) && !AboutOneself.Contains(operation.Id) && !Forgiving.Contains(operation.Id));

    public static IEnumerable<TestCaseData> WithForgivenIds => Cases(operation => Forgiving.Contains(operation.Id));

    public static IEnumerable<TestCaseData> WithoutIds => Cases(operation => AboutOneself.Contains(operation.Id));

    [Test]
    public void Every_operation_is_known_here() => Assert.Multiple(() =>
    {
        Assert.That(ApiDescription.Instance.Operations, Has.Count.GreaterThanOrEqualTo(20));
        Assert.That(ApiDescription.Instance.Operations.Where(operation => !operation.NeedsToken).Select(operation => operation.Id), Is.EquivalentTo(Public));
        foreach (var operation in ApiDescription.Instance.Operations.Where(operation => operation.NeedsToken))
            Assert.That(
                NamesSomething(operation), Is.Not.EqualTo(AboutOneself.Contains(operation.Id)),
                $"{operation.Id}: either it names something of somebody's, or it is about the one who asks.");
    });

    [TestCaseSource(nameof(All))]
    public async Task Without_a_token_is_401(ApiOperation operation)
    {
        var owner = NewUser();
        var answer = await SendAsync(Nobody(), operation, await MakeAsync(owner));

        answer.ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.That(answer.Header("WWW-Authenticate"), Is.EqualTo("Bearer"));
    }

    [TestCaseSource(nameof(All))]
    public async Task With_a_deleted_accounts_token_is_401(ApiOperation operation)
    {
        var deleted = await RegisterAsync();
        var ids = await MakeAsync(deleted);
        (await deleted.SendAsync(HttpMethod.Delete, "/api/auth/me", new { password = Password })).Expect(HttpStatusCode.NoContent);

        (await SendAsync(deleted, operation, ids)).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [TestCaseSource(nameof(WithIds))]
    public async Task Foreign_unknown_deleted_and_malformed_ids_get_the_same_404(ApiOperation operation)
    {
        var owner = NewUser();
        var ids = await MakeAsync(owner);
        var user = NewUser();
        var mine = await MakeAsync(user);
        (await user.DeleteAsync($"/api/chat/sessions/{mine["sessions"]}?permanent=true")).Expect(HttpStatusCode.OK);

        var foreign = await SendAsync(user, operation, ids);
        var others = new List<ApiAnswer> { await SendAsync(user, operation, Same(Guid.CreateVersion7().ToString())), await SendAsync(user, operation, mine) };
        foreach (var malformed in new[] { "42", "not-a-uuid", Guid.Empty.ToString(), "%C3%28", new string('9', 300) })
            others.Add(await SendAsync(user, operation, Same(malformed)));

        foreign.ExpectProblem(HttpStatusCode.NotFound, "not_found");
        foreach (var other in others)
            Assert.That((other.Status, Shape(other)), Is.EqualTo((foreign.Status, Shape(foreign))), other.Address.ToString());
        (await owner.GetAsync($"/api/chat/sessions/{ids["sessions"]}")).Expect(HttpStatusCode.OK);
        Assert.That(await owner.StoredAsync(ids["sessions"]), Has.Count.EqualTo(2));
    }

    [TestCaseSource(nameof(WithForgivenIds))]
    public async Task Foreign_and_deleted_names_are_answered_like_unknown_ones(ApiOperation operation)
    {
        var ids = await MakeAsync(NewUser());
        var user = NewUser();
        var mine = await MakeAsync(user);
        var before = await SendAsync(user, operation, mine);
        (await user.DeleteAsync($"/api/chat/sessions/{mine["sessions"]}")).Expect(HttpStatusCode.OK);

        var unknown = await SendAsync(user, operation, Same(Guid.CreateVersion7().ToString()));
        foreach (var others in new[] { ids, mine, Same("not-a-uuid"), Same("%C3%28"), Same(new string('9', 300)) })
        {
            var other = await SendAsync(user, operation, others);
            Assert.That((other.Status, other.Text), Is.EqualTo((unknown.Status, unknown.Text)), other.Address.ToString());
        }

        Assert.That((unknown.Status, unknown.Text), operation.Id == "get_ui_messages"
            ? Is.EqualTo((HttpStatusCode.OK, "[]")).And.Not.EqualTo((before.Status, before.Text))
            : Is.EqualTo((HttpStatusCode.NoContent, "")));
    }

    [TestCaseSource(nameof(WithoutIds))]
    public async Task What_is_about_oneself_shows_and_changes_nothing_of_anybody_else(ApiOperation operation)
    {
        var owner = await RegisterAsync();
        var ids = await MakeAsync(owner);
        var user = NewUser();

        var answer = await SendAsync(user, operation, ids);

        Assert.That((int)answer.Status, operation.Id == "delete_me" ? Is.EqualTo(401) : Is.InRange(200, 201), answer.Text);
        foreach (var id in ids.Values.Append(owner.UserId.ToString()))
            Assert.That(answer.Text, Does.Not.Contain(id));
        (await owner.GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);
        Assert.That((await owner.GetAsync("/api/chat/sessions")).Items, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task An_id_of_another_kind_is_unknown_too()
    {
        var user = NewUser();
        var ids = await MakeAsync(user);

        (await user.GetAsync($"/api/chat/sessions/{ids["messages"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.GetAsync($"/api/chat/messages/{ids["sessions"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.GetAsync($"/api/chat/runs/{ids["sessions"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    private static IEnumerable<TestCaseData> Cases(Func<ApiOperation, bool> which) =>
        ApiDescription.Instance.Operations.Where(which).Select(operation => new TestCaseData(operation).SetArgDisplayNames(operation.Id));

    private static Dictionary<string, string> Same(string id) => Kinds.ToDictionary(kind => kind, _ => id);

    private static bool NamesSomething(ApiOperation operation) =>
        operation.Parameters("path").Count > 0
        || operation.HasBody && operation.BodyFields.EnumerateObject().Any(property => References.ContainsKey(property.Name));

    private static Task<ApiAnswer> SendAsync(ApiClient user, ApiOperation operation, Dictionary<string, string> ids) =>
        user.SendAsync(operation.Method, Path(operation, ids), operation.HasBody ? Body(operation, ids) : null);

    private static string Path(ApiOperation operation, Dictionary<string, string> ids)
    {
        var segments = operation.Path.Split('/');
        for (var index = 0; index < segments.Length; index++)
            if (segments[index].StartsWith('{'))
                segments[index] = ids.TryGetValue(segments[index - 1], out var id)
                    ? id
                    : throw new AssertionException($"{operation}: what is {segments[index]} one of?");
        return string.Join('/', segments);
    }

    /// <summary>The documented example, which names what is somebody else's wherever it can.</summary>
    private static JsonObject Body(ApiOperation operation, Dictionary<string, string> ids)
    {
        var body = JsonObject.Create(operation.BodyExample)!;
        foreach (var property in operation.BodyFields.EnumerateObject())
        {
            if (References.TryGetValue(property.Name, out var kind))
                body[property.Name] = ids[kind];
            else if (property.Name == "sessions" && operation.Id == "import")
                continue; // Their ids name nothing: each gets a new one.
            else if (OwnNames.TryGetValue(property.Name, out var own))
                body[property.Name] = ids[own];
            else if (!Words.Contains(property.Name))
                throw new AssertionException($"{operation}: does {property.Name} name something of somebody's?");
        }

        return body;
    }

    // Everything but what names the request itself.
    private static string Shape(ApiAnswer answer) => string.Join('\n', answer.Json.EnumerateObject()
        .Where(field => field.Name is not ("trace_id" or "instance"))
        .Select(field => $"{field.Name}: {field.Value.GetRawText()}"));

    private static async Task<Dictionary<string, string>> MakeAsync(ApiClient user)
    {
        var session = await user.CreateSessionAsync("mía");
        await using var reply = await user.StreamAsync(session, ModelScripts.NewQuestion());
        var done = await reply.ReadToEndAsync();
        var share = (await user.PostAsync($"/api/chat/sessions/{session}/share", null)).Expect(HttpStatusCode.Created)["id"];
        return new() { ["sessions"] = session, ["ui"] = session, ["messages"] = done["message_id"]!, ["runs"] = reply.RunId, ["shares"] = share };
    }

    private async Task<ApiClient> RegisterAsync()
    {
        var answer = await Nobody().PostAsync("/api/auth/register", new { email = $"user-{Guid.NewGuid():N}@example.com", password = Password });
        var id = answer.Expect(HttpStatusCode.Created).Json.GetProperty("user").GetProperty("id").GetGuid();
        return new ApiClient(Server, id, answer["token"]);
    }
}
