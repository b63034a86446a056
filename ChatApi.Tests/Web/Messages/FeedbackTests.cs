using System.Net;
using System.Text.Json;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Messages;

/// <summary>What people think of replies.</summary>
public sealed class FeedbackTests(DatabaseKind database) : HttpSuite(database)
{
    [Test]
    public async Task A_rating_is_kept_with_the_reply_replaced_and_taken_back()
    {
        var user = NewUser();
        var reply = await AskAsync(user);
        Assert.That(reply.GetProperty("feedback").ValueKind, Is.EqualTo(JsonValueKind.Null));
        var path = $"/api/chat/messages/{reply.GetProperty("id").GetString()}";
        var session = await SessionAsync(user, reply);

        const string comment = "Justo lo que\nbuscaba 👋🏽 <b>\u202e";
        var rated = (await user.PutAsync($"{path}/feedback", new { rating = "up", comment, rated_at = "2000-01-01T00:00:00Z", content = "x" })).Expect(HttpStatusCode.OK);
        var feedback = rated.Json.GetProperty("feedback");
        Assert.That((feedback.GetProperty("rating").GetString(), feedback.GetProperty("comment").GetString()), Is.EqualTo(("up", comment)));
        Assert.That(feedback.GetProperty("rated_at").GetDateTime(), Is.EqualTo(DateTime.UtcNow).Within(TimeSpan.FromMinutes(5)));
        Assert.That((await user.GetAsync(path)).Text, Is.EqualTo(rated.Text));
        Assert.That((await user.GetAsync($"/api/chat/sessions/{session}/messages")).Items[1].GetRawText(), Is.EqualTo(rated.Text));

        var changed = (await user.PutAsync($"{path}/feedback", new { rating = "down" })).Expect(HttpStatusCode.OK).Json.GetProperty("feedback");
        Assert.That((changed.GetProperty("rating").GetString(), changed.GetProperty("comment").ValueKind), Is.EqualTo(("down", JsonValueKind.Null)));

        for (var times = 0; times < 2; times++)
            Assert.That((await user.DeleteAsync($"{path}/feedback")).Expect(HttpStatusCode.OK).Text, Is.EqualTo(reply.GetRawText()));
        Assert.That((await user.GetAsync(path)).Text, Is.EqualTo(reply.GetRawText()), "Nothing but the rating has changed.");
    }

    [Test]
    public async Task What_is_imported_can_be_rated_and_a_question_cannot()
    {
        var user = NewUser();
        var reply = await AskAsync(user);
        var session = await SessionAsync(user, reply);
        var imported = await user.ImportAsync(session, "importada");
        (await user.PutAsync($"/api/chat/messages/{imported}/feedback", new { rating = "up" })).Expect(HttpStatusCode.OK);

        var question = $"/api/chat/messages/{reply.GetProperty("parent_id").GetString()}/feedback";
        (await user.PutAsync(question, new { rating = "up" })).ExpectProblem(HttpStatusCode.Conflict, "not_a_reply");
        (await user.DeleteAsync(question)).ExpectProblem(HttpStatusCode.Conflict, "not_a_reply");
    }

    [Test]
    public async Task A_reply_in_the_making_cannot_be_rated_and_a_stopped_one_can()
    {
        var user = NewUser();
        var session = await user.CreateSessionAsync();
        await using var reply = await user.StreamAsync(session, Model.Ask(ScriptedUpstreamReply.Stream().Delta("Hola").Silence()));
        await reply.UntilAsync(received => received.Type == "content");
        var path = $"/api/chat/messages/{reply.Start["message_id"]}/feedback";

        var refused = (await user.PutAsync(path, new { rating = "up" })).ExpectProblem(HttpStatusCode.Conflict, "run_in_progress");
        Assert.That(refused["run_id"], Is.EqualTo(reply.RunId));
        (await user.DeleteAsync(path)).ExpectProblem(HttpStatusCode.Conflict, "run_in_progress");

        (await user.PostAsync($"/api/chat/realtime/sessions/{session}/stop", null)).Expect(HttpStatusCode.OK);
        await reply.ReadToEndAsync();
        var rated = (await user.PutAsync(path, new { rating = "down" })).Expect(HttpStatusCode.OK);
        Assert.That((rated["status"], rated["content"]), Is.EqualTo(("stopped", "Hola")));
    }

    [TestCase("""{}""")]
    [TestCase("""{"rating":null}""")]
    [TestCase("""{"rating":""}""")]
    [TestCase("""{"rating":"UP"}""")]
    [TestCase("""{"rating":"0"}""")]
    [TestCase("""{"rating":"sideways"}""")]
    [TestCase("""{"comment":"x"}""")]
    public async Task Other_ratings_are_400(string body)
    {
        var (user, path) = await RateableAsync();
        var answer = (await SendRawAsync(user, path, body)).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        Assert.That(answer.Json.GetProperty("errors").TryGetProperty("rating", out _), Is.True);
    }

    [TestCase("""{"rating":1}""")]
    [TestCase("""{"rating":true}""")]
    [TestCase("""{"rating":"up","comment":5}""")]
    [TestCase("""{"rating":"up","comment":"a\u0000b"}""")]
    [TestCase("""{"rating":"up","comment":"\ud83d"}""")]
    [TestCase("""{"rating":"up","rating":"down"}""")]
    [TestCase("""["up"]""")]
    [TestCase("""null""")]
    [TestCase("")]
    public async Task What_is_no_rating_at_all_is_400(string body)
    {
        var (user, path) = await RateableAsync();
        (await SendRawAsync(user, path, body)).Expect(HttpStatusCode.BadRequest);
        Assert.That((await user.GetAsync(path[..^"/feedback".Length])).Json.GetProperty("feedback").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public async Task A_comment_has_2000_characters_at_most_and_a_blank_one_is_none()
    {
        var (user, path) = await RateableAsync();
        var longest = new string('ñ', 2000);
        var rated = (await user.PutAsync(path, new { rating = "up", comment = longest })).Expect(HttpStatusCode.OK);
        Assert.That(rated.Json.GetProperty("feedback").GetProperty("comment").GetString(), Is.EqualTo(longest));
        var refused = (await user.PutAsync(path, new { rating = "down", comment = longest + "x" })).ExpectProblem(HttpStatusCode.BadRequest, "invalid_request");
        Assert.That(refused.Json.GetProperty("errors").TryGetProperty("comment", out _), Is.True);
        var blank = (await user.PutAsync(path, new { rating = "up", comment = " \n" })).Expect(HttpStatusCode.OK);
        Assert.That(blank.Json.GetProperty("feedback").GetProperty("comment").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    private static Task<ApiAnswer> SendRawAsync(ApiClient user, string path, string body) =>
        user.SendAsync(new HttpRequestMessage(HttpMethod.Put, path) { Content = new StringContent(body, ApiClient.JsonType) });

    private async Task<(ApiClient User, string Path)> RateableAsync()
    {
        var user = NewUser();
        var imported = await user.ImportAsync(await user.CreateSessionAsync(), "importada");
        return (user, $"/api/chat/messages/{imported}/feedback");
    }

    private static async Task<JsonElement> AskAsync(ApiClient user) =>
        (await user.PostAsync("/api/chat", new { content = ModelScripts.NewQuestion() })).Expect(HttpStatusCode.OK).Json.GetProperty("assistant_message");

    private static async Task<string> SessionAsync(ApiClient user, JsonElement message) =>
        (await user.GetAsync($"/api/chat/messages/{message.GetProperty("id").GetString()}"))["session_id"];
}
