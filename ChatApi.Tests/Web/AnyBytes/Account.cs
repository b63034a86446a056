using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.AnyBytes;

/// <summary>Whoever sends the requests, and what is theirs.</summary>
/// <param name="User">Signed in.</param>
/// <param name="Email">The address.</param>
/// <param name="Ids">A session, a reply of it, and the run that made it, by the segment before them in paths; its question, and a share of it.</param>
internal sealed record Account(ApiClient User, string Email, IReadOnlyDictionary<string, string> Ids)
{
    public const string Password = "correct horse battery";

    /// <summary>Somebody new, with one conversation.</summary>
    public static async Task<Account> NewAsync(ChatApiProcess server)
    {
        var email = $"user-{Guid.NewGuid():N}@example.com";
        var answer = await ApiClient.Nobody(server).PostAsync("/api/auth/register", new { email, password = Password });
        var account = answer.Expect(System.Net.HttpStatusCode.Created).Json.GetProperty("user");
        return await new Account(new ApiClient(server, account.GetProperty("id").GetGuid(), answer["token"]), email, new Dictionary<string, string>()).RenewAsync();
    }

    /// <summary>The same with a new conversation.</summary>
    public async Task<Account> RenewAsync()
    {
        var session = await User.CreateSessionAsync();
        await using var reply = await User.StreamAsync(session, "Hola");
        var done = await reply.ReadToEndAsync();
        var share = (await User.PostAsync($"/api/chat/sessions/{session}/share", null)).Expect(System.Net.HttpStatusCode.Created);
        return this with { Ids = new Dictionary<string, string> { ["sessions"] = session, ["ui"] = session, ["messages"] = done["message_id"]!, ["questions"] = reply.Start["user_message_id"]!, ["runs"] = reply.RunId, ["shares"] = share["id"], ["shared"] = share["token"] } };
    }
}
