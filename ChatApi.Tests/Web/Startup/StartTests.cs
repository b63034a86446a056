using System.Net;
using System.Runtime.Versioning;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Startup;

/// <summary>The first start, the next one, and the end.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StartTests
{
    private static readonly Dictionary<string, string?> Production = new()
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        ["JWT_SECRET_KEY"] = TestTokens.Key,
    };

    [Test]
    public async Task A_machine_with_nothing_gets_a_working_chat_and_is_told_so_in_five_lines()
    {
        await using var server = await ChatApiProcess.StartAsync();
        var printed = server.Output;

        var answer = await ApiClient.Nobody(server).PostAsync("/api/auth/login", new { email = "test@example.com", password = "password123" });
        var user = new ApiClient(server, Guid.Empty, answer.Expect(HttpStatusCode.OK)["token"]);
        var session = await user.CreateSessionAsync();
        await using var reply = await user.StreamAsync(session, "Hola");
        var done = await reply.ReadToEndAsync();

        Assert.That((done.Type, done["finish_reason"]), Is.EqualTo(("done", "stop")));
        Assert.That(reply.Content, Is.Not.Empty);
        Assert.That(printed.TrimEnd('\n').Split('\n'), Has.Length.LessThanOrEqualTo(5), printed);
        Assert.That(printed, Does.Contain("swagger").IgnoreCase);
    }

    [Test]
    public async Task The_demo_account_is_for_Development_only()
    {
        await using var server = await ChatApiProcess.StartAsync(Production);

        var answer = await ApiClient.Nobody(server).PostAsync("/api/auth/login", new { email = "test@example.com", password = "password123" });

        answer.ExpectProblem(HttpStatusCode.Unauthorized, "invalid_credentials");
    }

    [Test]
    public async Task The_generated_key_and_the_data_survive_a_restart()
    {
        using var directory = new TemporaryDirectory();
        string token, session;
        await using (var first = await ChatApiProcess.StartAsync(workingDirectory: directory))
        {
            var registered = await ApiClient.Nobody(first).PostAsync("/api/auth/register", new { email = "ana@example.com", password = "correct horse" });
            token = registered.Expect(HttpStatusCode.Created)["token"];
            session = await new ApiClient(first, Guid.Empty, token).CreateSessionAsync("de ayer");
            Assert.That(await first.StopAsync(), Is.Zero);
        }

        await using var second = await ChatApiProcess.StartAsync(workingDirectory: directory);

        var read = await new ApiClient(second, Guid.Empty, token).GetAsync($"/api/chat/sessions/{session}");
        Assert.That(read.Expect(HttpStatusCode.OK)["title"], Is.EqualTo("de ayer"));
    }

    /// <summary>Each of them is a megabyte or more of an idle process, and most came by a look through all types of an assembly.</summary>
    [Test, Platform("Linux")]
    public async Task A_process_that_nobody_asks_has_loaded_nothing_that_only_others_need()
    {
        using var directory = new TemporaryDirectory();
        await using (await ChatApiProcess.StartAsync(Production, directory.Path))
        {
        }

        await using var server = await ChatApiProcess.StartAsync(Production, directory.Path);
        (await ApiClient.Nobody(server).GetAsync("/health/ready")).Expect(HttpStatusCode.OK);

        var loaded = await File.ReadAllTextAsync($"/proc/{server.Id}/maps");
        Assert.That(loaded, Does.Contain("/Microsoft.EntityFrameworkCore.Sqlite.dll"));
        foreach (var foreign in new[] { "Npgsql", "StackExchange.Redis", "System.Private.Xml", "Microsoft.AspNetCore.Server.IIS", "System.Net.Quic", "Microsoft.IdentityModel.Tokens" })
            Assert.That(loaded, Does.Not.Contain($"/{foreign}.dll"));
    }

    [Test, UnsupportedOSPlatform("windows")]
    public async Task The_generated_key_is_for_the_owner_alone()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await ChatApiProcess.StartAsync(workingDirectory: directory);

        var keys = Directory.GetFiles(directory.File("data")).Where(file => !Path.GetFileName(file).StartsWith("chatapi.db", StringComparison.Ordinal)).ToList();

        Assert.That(keys, Is.Not.Empty);
        foreach (var key in keys)
            Assert.That(File.GetUnixFileMode(key), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite), key);
    }

    [Test]
    public async Task Two_that_start_together_in_one_new_directory_agree_on_the_key()
    {
        using var directory = new TemporaryDirectory();

        var servers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => ChatApiProcess.StartAsync(workingDirectory: directory)));

        var answer = await ApiClient.Nobody(servers[0]).PostAsync("/api/auth/login", new { email = "test@example.com", password = "password123" });
        (await new ApiClient(servers[1], Guid.Empty, answer.Expect(HttpStatusCode.OK)["token"]).GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);
        foreach (var server in servers)
            await server.DisposeAsync();
    }

    [Test]
    public async Task Migrate_makes_the_tables_and_ends()
    {
        using var directory = new TemporaryDirectory();
        var manual = new Dictionary<string, string?> { ["DATABASE_AUTO_MIGRATE"] = "false" };

        var first = await ChatApiProcess.RunToExitAsync(manual, directory, "migrate");
        var again = await ChatApiProcess.RunToExitAsync(manual, directory, "migrate");
        await using var server = await ChatApiProcess.StartAsync(manual, directory);

        Assert.That((first.ExitCode, again.ExitCode), Is.EqualTo((0, 0)), first.Output + again.Output);
        (await ApiClient.Nobody(server).PostAsync("/api/auth/login", new { email = "test@example.com", password = "password123" })).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task Without_tables_and_without_leave_to_make_them_it_is_never_ready()
    {
        using var directory = new TemporaryDirectory();
        var manual = new Dictionary<string, string?> { ["DATABASE_AUTO_MIGRATE"] = "false" };
        await using var server = ChatApiProcess.Launch(manual, directory, []);

        await Poll.UntilAsync(async () => server.HasExited || await IsAliveButNotReadyAsync(server), "an end, or life without readiness");

        if (server.HasExited)
            Assert.That(await server.WaitForExitAsync(), Is.Not.Zero);
        Assert.That(server.Output, Does.Contain("migrat").IgnoreCase);
    }

    [Test]
    public async Task Sigterm_ends_it_with_zero()
    {
        await using var server = await ChatApiProcess.StartAsync();

        Assert.That(await server.StopAsync(TimeSpan.FromSeconds(10)), Is.Zero);
    }

    [Test]
    public async Task A_port_that_is_taken_is_told_in_one_line()
    {
        await using var first = await ChatApiProcess.StartAsync();

        var ended = await ChatApiProcess.RunToExitAsync(new Dictionary<string, string?> { ["ASPNETCORE_URLS"] = first.Address.ToString() });

        Assert.That(ended.ExitCode, Is.Not.Zero);
        Assert.That(ended.Output, Does.Contain("in use").And.Not.Contain("   at "));
    }

    [Test]
    public async Task A_database_that_is_away_is_told_without_its_address_or_password()
    {
        var url = $"postgres://chatapi:canary-password@127.0.0.1:{ServerPrograms.FreePort()}/canary_db";
        await using var server = ChatApiProcess.Launch(new Dictionary<string, string?> { ["DATABASE_URL"] = url }, null, []);

        await Poll.UntilAsync(
            async () => server.HasExited || await IsAliveButNotReadyAsync(server), "an end, or life without readiness", TimeSpan.FromSeconds(90));

        Assert.That(server.Output, Does.Not.Contain("canary-password"));
    }

    private static async Task<bool> IsAliveButNotReadyAsync(ChatApiProcess server)
    {
        if (!server.TryFindAddress())
            return false;
        return (await ApiClient.Nobody(server).GetAsync("/health/live")).Status == HttpStatusCode.OK
            && (await ApiClient.Nobody(server).GetAsync("/health/ready")).Status == HttpStatusCode.ServiceUnavailable;
    }
}
