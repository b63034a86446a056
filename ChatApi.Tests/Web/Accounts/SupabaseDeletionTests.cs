using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Accounts;

/// <summary>An account that Supabase Auth keeps goes on there, but is let in here no more.</summary>
public sealed class SupabaseDeletionTests
{
    [Test]
    public async Task Whoever_deletes_the_account_here_is_let_in_no_more_whatever_supabase_says()
    {
        await using var supabase = await SupabaseAuthServer.StartAsync();
        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>
        {
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["SUPABASE_URL"] = supabase.Url,
            ["SUPABASE_KEY"] = SupabaseAuthServer.ApiKey,
        });
        var user = new ApiClient(server, supabase.UserId, supabase.Sign(supabase.Claims()));
        await user.CreateSessionAsync();

        (await DeleteAsync("another password")).ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");
        supabase.IsAway = true;
        (await DeleteAsync(SupabaseAuthServer.Password)).ExpectProblem(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        supabase.IsAway = false;
        Assert.That((await user.GetAsync("/api/chat/sessions")).Items, Has.Count.EqualTo(1));
        (await DeleteAsync(SupabaseAuthServer.Password)).Expect(HttpStatusCode.NoContent);

        (await user.GetAsync("/api/chat/sessions")).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        var fresh = new ApiClient(server, supabase.UserId, supabase.Sign(supabase.Claims(("jti", "another"))));
        (await fresh.GetAsync("/api/auth/me")).ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
        var again = await ApiClient.Nobody(server).PostAsync("/api/auth/login", new { email = SupabaseAuthServer.Email, password = SupabaseAuthServer.Password });
        again.ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");

        Task<ApiAnswer> DeleteAsync(string password) => user.SendAsync(HttpMethod.Delete, "/api/auth/me", new { password });
    }
}
