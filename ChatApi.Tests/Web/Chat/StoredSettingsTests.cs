using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Chat;

/// <summary>What a conversation was set to is asked for as long as the operator allows it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StoredSettingsTests
{
    [TestCase(Storage.Sqlite)]
    [TestCase(Storage.Postgres)]
    public async Task A_second_model_is_asked_until_it_is_taken_away_and_replies_are_no_longer_than_allowed(Storage storage)
    {
        await using var cluster = await Cluster.StartAsync(storage, 1, new() { ["CHAT_MODELS"] = "segundo" });
        var user = cluster.NewUser();
        var models = (await user.GetAsync("/api/chat/models")).Expect(HttpStatusCode.OK).Items;
        Assert.That(models.Select(model => (model.GetProperty("id").GetString(), model.GetProperty("is_default").GetBoolean())), Is.EqualTo([("gpt-4o-mini", true), ("segundo", false)]));
        var session = (await user.PostAsync("/api/chat/sessions", new { model = "segundo", max_output_tokens = 1500, temperature = 0.25 })).Expect(HttpStatusCode.Created)["id"];
        var (before, after) = (ModelScripts.NewQuestion(), ModelScripts.NewQuestion());
        (await user.PostAsync("/api/chat", new { content = before, session_id = session })).Expect(HttpStatusCode.OK);

        await cluster.RestartAsync(0, new() { ["CHAT_MODELS"] = null, ["CHAT_MAX_OUTPUT_TOKENS"] = "1000" });
        user = cluster.On(0, user);
        (await user.PostAsync("/api/chat", new { content = after, session_id = session })).Expect(HttpStatusCode.OK);

        var asked = new[] { before, after }.Select(question => cluster.Model.CallsFor(question).Single().Json).ToList();
        Assert.That(asked.Select(call => call.GetProperty("model").GetString()), Is.EqualTo(["segundo", "gpt-4o-mini"]));
        Assert.That(asked.Select(call => call.GetProperty("temperature").GetDouble()), Is.EqualTo([0.25, 0.25]));
        Assert.That(asked[0].GetRawText(), Does.Contain("\":1500"));
        Assert.That(asked[1].GetRawText(), Does.Contain("\":1000").And.Not.Contain("1500"));
        (await user.PostAsync("/api/chat", new { content = "Hola", session_id = session, model = "segundo" })).ExpectProblem(HttpStatusCode.BadRequest, "unknown_model");
    }
}
