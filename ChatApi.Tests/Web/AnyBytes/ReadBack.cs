using System.Net;
using System.Text.Json;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.AnyBytes;

/// <summary>Whether the texts of a request that was taken stand in its answer, and in the database, as they were sent.</summary>
internal static class ReadBack
{
    /// <summary>What came back otherwise; empty if nothing did.</summary>
    public static async Task<IReadOnlyList<string>> ErrorsAsync(Account account, GeneratedRequest request, RawAnswer answer)
    {
        if (request is not { Operation: { HasBody: true, Id: not "import" } operation, Body.Length: > 0 } || answer.Status is not (200 or 201))
            return [];
        var sent = JsonDocument.Parse(WithoutMark(request.Body)).RootElement;
        var (errors, title, content) = (new List<string>(), Text(sent, "title"), Text(sent, "content"));
        switch (operation.Id)
        {
            case "create_session" or "start_session" or "replace_session" or "update_session":
                var session = (await account.User.GetAsync($"/api/chat/sessions/{answer.Json.GetProperty("id")}")).Expect(HttpStatusCode.OK);
                if (!string.IsNullOrWhiteSpace(title))
                    Compare("title", title, answer.Json.GetProperty("title").GetString(), session["title"]);
                if (Text(sent, "initial_message") is { } first && operation.Id == "start_session" && !string.IsNullOrWhiteSpace(first))
                    Compare("initial_message", first, (await account.User.StoredAsync(session["id"])).Single().Content);
                break;
            case "create_message" when answer.Json.TryGetProperty("role", out _):
                await CompareMessageAsync(answer.Json);
                break;
            case "create_message" or "chat" or "replace_message":
                await CompareMessageAsync(answer.Json.GetProperty("user_message"));
                break;
            case "stream_reply" or "edit_message":
                var events = answer.Text.Split("\n\n").Where(block => block.StartsWith("data: ", StringComparison.Ordinal))
                    .Select(block => JsonDocument.Parse(block[6..].Split('\n')[0]).RootElement).ToList();
                var question = (await account.User.GetAsync($"/api/chat/messages/{events[0].GetProperty("user_message_id")}")).Expect(HttpStatusCode.OK);
                Compare("content", content!, question["content"]);
                if (events[^1].TryGetProperty("full_content", out var whole))
                    Compare("full_content", string.Concat(events.Where(one => Text(one, "type") == "content").Select(one => Text(one, "content"))), whole.GetString());
                break;
            case "stream_ui_message" when Text(sent, "trigger") != "regenerate-message":
                var asked = (await account.User.GetAsync($"/api/chat/ui/{Uri.EscapeDataString(Text(sent, "id")!)}/messages")).Expect(HttpStatusCode.OK).Items
                    .Last(message => Text(message, "role") == "user");
                var last = sent.GetProperty("messages").EnumerateArray().Last();
                Compare("id", Text(last, "id")!, Text(asked, "id"));
                Compare("text", string.Concat(last.GetProperty("parts").EnumerateArray().Select(part => Text(part, "text"))), Text(asked.GetProperty("parts")[0], "text"));
                break;
            case "register":
                if (!string.IsNullOrWhiteSpace(Text(sent, "name")))
                    Compare("name", Text(sent, "name")!, answer.Json.GetProperty("user").GetProperty("user").GetString());
                break;
        }

        return errors;

        void Compare(string what, string said, params string?[] found)
        {
            if (found.Any(text => !string.Equals(text, said, StringComparison.Ordinal)))
                errors.Add($"{what} came back otherwise");
        }

        async Task CompareMessageAsync(JsonElement message)
        {
            var stored = (await account.User.GetAsync($"/api/chat/messages/{message.GetProperty("id")}")).Expect(HttpStatusCode.OK);
            Compare("content", content!, Text(message, "content"), stored["content"]);
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static ReadOnlyMemory<byte> WithoutMark(byte[] body) => body.AsMemory(body.AsSpan().StartsWith("\ufeff"u8) ? 3 : 0);
}
