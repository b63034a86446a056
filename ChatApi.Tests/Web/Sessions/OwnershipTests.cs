using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Sessions;

/// <summary>What belongs to somebody else does not exist, and is told in the very same words.</summary>
public sealed class OwnershipTests(DatabaseKind database) : HttpSuite(database)
{
    public static IEnumerable<string> Calls =>
    [
        "GET /api/chat/sessions/{session}",
        "PUT /api/chat/sessions/{session}",
        "PATCH /api/chat/sessions/{session}",
        "DELETE /api/chat/sessions/{session}",
        "GET /api/chat/sessions/{session}/messages",
        "POST /api/chat/sessions/{session}/messages",
        "POST /api/chat/realtime/sessions/{session}/stream",
        "GET /api/chat/realtime/sessions/{session}/stream",
        "POST /api/chat/realtime/sessions/{session}/stop",
        "POST /api/chat",
        "GET /api/chat/messages/{message}",
        "DELETE /api/chat/messages/{message}",
        "GET /api/chat/runs/{run}",
    ];

    [TestCaseSource(nameof(Calls))]
    public async Task Foreign_unknown_deleted_and_malformed_ids_get_the_same_404(string call)
    {
        var owner = NewUser();
        var ids = await MakeAsync(owner);
        var user = NewUser();
        var mine = await MakeAsync(user);
        (await user.DeleteAsync($"/api/chat/sessions/{mine["{session}"]}")).Expect(HttpStatusCode.OK);
        var unknown = ids.Keys.ToDictionary(name => name, _ => Guid.CreateVersion7().ToString());

        var foreign = await SendAsync(user, call, ids);
        var others = new List<ApiAnswer> { await SendAsync(user, call, unknown), await SendAsync(user, call, mine) };
        foreach (var malformed in new[] { "42", "not-a-uuid", Guid.Empty.ToString(), "%C3%28", new string('9', 300) })
            others.Add(await SendAsync(user, call, ids.Keys.ToDictionary(name => name, _ => malformed)));

        foreign.ExpectProblem(HttpStatusCode.NotFound, "not_found");
        foreach (var other in others)
            Assert.That((other.Status, Shape(other)), Is.EqualTo((foreign.Status, Shape(foreign))), other.Address.ToString());
        (await owner.GetAsync($"/api/chat/sessions/{ids["{session}"]}")).Expect(HttpStatusCode.OK);
        Assert.That(await owner.StoredAsync(ids["{session}"]), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task An_id_of_another_kind_is_unknown_too()
    {
        var user = NewUser();
        var ids = await MakeAsync(user);

        (await user.GetAsync($"/api/chat/sessions/{ids["{message}"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.GetAsync($"/api/chat/messages/{ids["{session}"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.GetAsync($"/api/chat/runs/{ids["{session}"]}")).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    private static async Task<Dictionary<string, string>> MakeAsync(ApiClient user)
    {
        var session = await user.CreateSessionAsync("mía");
        await using var reply = await user.StreamAsync(session, ModelScripts.NewQuestion());
        var done = await reply.ReadToEndAsync();
        return new() { ["{session}"] = session, ["{message}"] = done["message_id"]!, ["{run}"] = reply.RunId };
    }

    private static Task<ApiAnswer> SendAsync(ApiClient user, string call, Dictionary<string, string> ids)
    {
        var (method, path) = (call.Split(' ')[0], call.Split(' ')[1]);
        object? body = method switch
        {
            "PUT" or "PATCH" => new { title = "tomada" },
            "POST" when path.EndsWith("/messages", StringComparison.Ordinal) => new { role = "user", content = "hola" },
            "POST" when path.EndsWith("/stop", StringComparison.Ordinal) => new { },
            "POST" when path == "/api/chat" => new { content = "hola", session_id = ids["{session}"] },
            "POST" => new { content = "hola" },
            _ => null,
        };
        foreach (var (name, id) in ids)
            path = path.Replace(name, id, StringComparison.Ordinal);
        return user.SendAsync(HttpMethod.Parse(method), path, body);
    }

    // Everything but what names the request itself.
    private static string Shape(ApiAnswer answer) => string.Join('\n', answer.Json.EnumerateObject()
        .Where(field => field.Name is not ("trace_id" or "instance"))
        .Select(field => $"{field.Name}: {field.Value.GetRawText()}"));
}
