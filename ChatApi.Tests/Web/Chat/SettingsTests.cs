using System.Net;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary>How replies are made: by the turn, else by the session, else by the operator.</summary>
public sealed class SettingsTests(DatabaseKind database) : HttpSuite(database)
{
    [Test]
    public async Task A_session_keeps_its_settings_and_the_model_is_asked_by_them()
    {
        var user = NewUser();
        var session = (await user.PostAsync("/api/chat/sessions", new
        {
            title = "t",
            model = "gpt-4o-mini",
            system_prompt = "Sé breve.",
            temperature = 0.25,
            max_output_tokens = 77,
            top_p = 0.5,
            stop = new[] { "fin" },
            metadata = new { a = new object[] { 1, "ñ" } },
        })).Expect(HttpStatusCode.Created);
        var question = ModelScripts.NewQuestion();
        (await user.PostAsync("/api/chat", new { content = question, session_id = session["id"] })).Expect(HttpStatusCode.OK);

        var call = Model.CallsFor(question).Single().Json;
        Assert.That(call.GetProperty("messages")[0].GetProperty("content").GetString(), Is.EqualTo("Sé breve."));
        Assert.That(
            (call.GetProperty("temperature").GetDouble(), call.GetProperty("top_p").GetDouble(), call.GetProperty("stop")[0].GetString()), Is.EqualTo((0.25, 0.5, "fin")));
        Assert.That(call.GetRawText(), Does.Contain("\":77"));
        var stored = (await user.GetAsync($"/api/chat/sessions/{session["id"]}")).Expect(HttpStatusCode.OK).Json;
        Assert.That(stored.GetProperty("metadata").GetRawText(), Is.EqualTo("""{"a":[1,"ñ"]}""").Or.EqualTo("""{"a":[1,"\u00F1"]}"""));
        Assert.That(
            (stored.GetProperty("system_prompt").GetString(), stored.GetProperty("max_output_tokens").GetInt32(), stored.GetProperty("stop").GetArrayLength()),
            Is.EqualTo(("Sé breve.", 77, 1)));
    }

    [Test]
    public async Task A_turn_says_otherwise_for_itself_alone()
    {
        var user = NewUser();
        var session = (await user.PostAsync("/api/chat/sessions", new { system_prompt = "Sé breve.", temperature = 0.25 })).Expect(HttpStatusCode.Created)["id"];
        var (first, second) = (ModelScripts.NewQuestion(), ModelScripts.NewQuestion());
        await using (var reply = await user.StreamAsync(
            $"/api/chat/realtime/sessions/{session}/stream", new { content = first, temperature = 1.5, metadata = new { x = 1 } }))
            await reply.ReadToEndAsync();
        await using (var reply = await user.StreamAsync(session, second))
            await reply.ReadToEndAsync();

        Assert.That(Model.CallsFor(first).Single().Json.GetProperty("temperature").GetDouble(), Is.EqualTo(1.5));
        Assert.That(Model.CallsFor(first).Single().Json.GetProperty("messages")[0].GetProperty("content").GetString(), Is.EqualTo("Sé breve."));
        Assert.That(Model.CallsFor(second).Single().Json.GetProperty("temperature").GetDouble(), Is.EqualTo(0.25));
        var question = (await user.GetAsync($"/api/chat/sessions/{session}/messages")).Expect(HttpStatusCode.OK).Items[0];
        Assert.That(question.GetProperty("metadata").GetProperty("x").GetInt32(), Is.EqualTo(1));
    }

    [Test]
    public async Task What_a_change_does_not_name_stays_and_null_takes_back()
    {
        var user = NewUser();
        var session = (await user.PostAsync("/api/chat/sessions", new { title = "t", temperature = 0.25, top_p = 0.5, metadata = new { x = 1 } })).Expect(HttpStatusCode.Created)["id"];

        var changed = (await user.PatchAsync($"/api/chat/sessions/{session}", new { temperature = (double?)null, pinned = true })).Expect(HttpStatusCode.OK).Json;
        Assert.That((changed.GetProperty("temperature").ValueKind, changed.GetProperty("top_p").GetDouble()), Is.EqualTo((JsonValueKind.Null, 0.5)));
        Assert.That((changed.GetProperty("pinned").GetBoolean(), changed.GetProperty("title").GetString()), Is.EqualTo((true, "t")));
        Assert.That(changed.GetProperty("metadata").GetProperty("x").GetInt32(), Is.EqualTo(1));

        var renamed = (await user.PutAsync($"/api/chat/sessions/{session}", new { title = "u" })).Expect(HttpStatusCode.OK).Json;
        Assert.That((renamed.GetProperty("top_p").GetDouble(), renamed.GetProperty("pinned").GetBoolean()), Is.EqualTo((0.5, true)), "The old front ends rename so.");
        var cleared = (await user.PatchAsync($"/api/chat/sessions/{session}", new { top_p = (double?)null, metadata = (object?)null, archived = true })).Expect(HttpStatusCode.OK).Json;
        Assert.That((cleared.GetProperty("top_p").ValueKind, cleared.GetProperty("metadata").ValueKind), Is.EqualTo((JsonValueKind.Null, JsonValueKind.Null)));
        Assert.That(cleared.GetProperty("archived").GetBoolean(), Is.True);
    }

    [Test]
    public async Task A_change_that_names_nothing_changes_nothing()
    {
        var user = NewUser();
        var session = (await user.PostAsync("/api/chat/sessions", new { title = "t", temperature = 0.25 })).Expect(HttpStatusCode.Created);
        var changed = (await user.PatchAsync($"/api/chat/sessions/{session["id"]}", new { })).Expect(HttpStatusCode.OK);
        Assert.That(changed.Text, Is.EqualTo(session.Text));
        (await user.PatchAsync($"/api/chat/sessions/{Guid.NewGuid()}", new { })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
        (await user.PatchAsync($"/api/chat/sessions/{Guid.NewGuid()}", new { temperature = 1 })).ExpectProblem(HttpStatusCode.NotFound, "not_found");
    }

    [Test]
    public async Task Settings_that_are_changed_at_once_are_all_kept()
    {
        var user = NewUser();
        for (var round = 0; round < 5; round++)
        {
            var path = $"/api/chat/sessions/{await user.CreateSessionAsync()}";
            await Task.WhenAll(
                user.PatchAsync(path, new { temperature = 0.25 }), user.PatchAsync(path, new { top_p = 0.5 }), user.PatchAsync(path, new { max_output_tokens = 7 }),
                user.PatchAsync(path, new { system_prompt = "Sé breve." }), user.PutAsync(path, new { title = "u" }), user.PatchAsync(path, new { pinned = true }));

            var kept = (await user.GetAsync(path)).Expect(HttpStatusCode.OK).Json;
            Assert.That(
                (kept.GetProperty("temperature").ToString(), kept.GetProperty("top_p").ToString(), kept.GetProperty("max_output_tokens").ToString(),
                    kept.GetProperty("system_prompt").GetString(), kept.GetProperty("title").GetString(), kept.GetProperty("pinned").GetBoolean()),
                Is.EqualTo(("0.25", "0.5", "7", "Sé breve.", "u", true)));
        }
    }

    [Test]
    public async Task An_empty_system_prompt_is_none()
    {
        var question = ModelScripts.NewQuestion();
        (await NewUser().PostAsync("/api/chat", new { content = question, system_prompt = "" })).Expect(HttpStatusCode.OK);
        Assert.That(Model.CallsFor(question).Single().Json.GetProperty("messages").GetArrayLength(), Is.EqualTo(1));
    }

    [TestCase("""{"model":"gpt-9"}""", "unknown_model")]
    [TestCase("""{"model":""}""", "unknown_model")]
    [TestCase("""{"temperature":2.1}""", "invalid_request")]
    [TestCase("""{"temperature":-0.1}""", "invalid_request")]
    [TestCase("""{"top_p":0}""", "invalid_request")]
    [TestCase("""{"top_p":1.1}""", "invalid_request")]
    [TestCase("""{"max_output_tokens":0}""", "invalid_request")]
    [TestCase("""{"max_output_tokens":2001}""", "invalid_request")]
    [TestCase("""{"stop":["a","b","c","d","e"]}""", "invalid_request")]
    [TestCase("""{"stop":[""]}""", "invalid_request")]
    [TestCase("""{"stop":[null]}""", "invalid_request")]
    [TestCase("""{"metadata":[1]}""", "invalid_request")]
    [TestCase("""{"metadata":"x"}""", "invalid_request")]
    public async Task What_is_out_of_its_range_is_refused(string body, string code)
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var settings = body[1..];
        (await user.PostRawAsync("/api/chat/sessions", body)).ExpectProblem(HttpStatusCode.BadRequest, code);
        (await user.PostRawAsync("/api/chat/realtime/sessions", body)).ExpectProblem(HttpStatusCode.BadRequest, code);
        (await user.PostRawAsync("/api/chat", $$"""{"content":"Hola",{{settings}}""")).ExpectProblem(HttpStatusCode.BadRequest, code);
        (await user.PostRawAsync($"/api/chat/realtime/sessions/{session}/stream", $$"""{"content":"Hola",{{settings}}""")).ExpectProblem(HttpStatusCode.BadRequest, code);
        (await user.PostRawAsync($"/api/chat/realtime/sessions/{session}/regenerate", body)).ExpectProblem(HttpStatusCode.BadRequest, code);
        (await user.PostRawAsync($"/api/chat/sessions/{session}/messages", $$"""{"role":"assistant","content":"Hola",{{settings}}""")).ExpectProblem(HttpStatusCode.BadRequest, code);
        Assert.That(await user.StoredAsync(session), Is.Empty);
    }

    [Test]
    public async Task Metadata_may_be_neither_long_nor_deep()
    {
        var user = NewUser();
        (await user.PostAsync("/api/chat/sessions", new { metadata = new { x = new string('x', 4100) } })).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        (await user.PostAsync("/api/chat/sessions", new { metadata = new { x = new string('x', 4080) } })).Expect(HttpStatusCode.Created);

        (await user.PostRawAsync("/api/chat/sessions", Deep(17))).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        (await user.PostRawAsync("/api/chat/sessions", Deep(16))).Expect(HttpStatusCode.Created);
        Assert.That((await user.GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK).Items, Has.Count.EqualTo(2));

        static string Deep(int levels) =>
            $$"""{"metadata":{{string.Concat(Enumerable.Repeat("""{"a":""", levels))}}1{{new string('}', levels)}}}""";
    }

    [Test]
    public async Task What_the_model_was_shown_is_told()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        for (var number = 0; number < 3; number++)
            await user.ImportAsync(session, $"m{number}");
        var ids = (await user.GetAsync($"/api/chat/sessions/{session}/messages")).Items.Select(message => message.GetProperty("id").GetString()).ToList();
        await using var reply = await user.StreamAsync(session, "Hola");
        var done = await reply.ReadToEndAsync();

        var context = (await user.GetAsync($"/api/chat/runs/{reply.RunId}")).Expect(HttpStatusCode.OK).Json.GetProperty("context");
        Assert.That(context.GetProperty("message_ids").EnumerateArray().Select(id => id.GetString()), Is.EqualTo(ids));
        Assert.That(context.GetProperty("trimmed").GetInt32(), Is.Zero);
        Assert.That(context.GetProperty("tokens").GetInt32(), Is.EqualTo(done.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32()));
    }

    [Test]
    public async Task Long_messages_are_left_out_whole_turns_together_and_that_is_told()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        var text = string.Concat(Enumerable.Repeat("xqzj ", 6000));
        foreach (var _ in Enumerable.Range(0, 4))
            await user.ImportAsync(session, text);
        await using var reply = await user.StreamAsync(session, "Hola");
        await reply.ReadToEndAsync();

        var context = (await user.GetAsync($"/api/chat/runs/{reply.RunId}")).Expect(HttpStatusCode.OK).Json.GetProperty("context");
        var shown = context.GetProperty("message_ids").GetArrayLength();
        Assert.That((shown + context.GetProperty("trimmed").GetInt32(), context.GetProperty("trimmed").GetInt32() > 0), Is.EqualTo((4, true)));
        Assert.That(context.GetProperty("tokens").GetInt32(), Is.InRange(1, 16_000));
    }

    [Test]
    public async Task The_models_are_listed()
    {
        var models = (await NewUser().GetAsync("/api/chat/models")).Expect(HttpStatusCode.OK).Items;
        Assert.That(models[0].GetProperty("id").GetString(), Is.EqualTo("gpt-4o-mini"));
        Assert.That(models[0].GetProperty("is_default").GetBoolean(), Is.True);
    }
}
