using System.Globalization;
using System.Net;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Startup;

/// <summary>What belongs to the working directory, and where the settings come from.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class WorkingDirectoryTests
{
    private const string BadSetting = "CHAT_TEMPERATURE=9\n";

    [Test]
    public async Task The_data_is_in_the_working_directory_and_nothing_is_written_beside_the_program()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?> { ["JWT_SECRET_KEY"] = TestTokens.Key }, directory);

        (await ApiClient.NewUser(server).PostAsync("/api/chat", new { content = "Hola" })).Expect(HttpStatusCode.OK);

        Assert.That(File.Exists(directory.File("data/chatapi.db")), Is.True);
        Assert.That(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "data")), Is.False);
        Assert.That((await ApiClient.Nobody(server).GetAsync("/")).Status, Is.EqualTo(HttpStatusCode.OK), "wwwroot comes from beside the program");
    }

    [Test]
    public async Task Env_in_the_working_directory_is_read()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File(".env"), BadSetting);

        var ended = await ChatApiProcess.RunToExitAsync(workingDirectory: directory);

        Assert.That((ended.ExitCode == 0, ended.Output), Is.EqualTo((false, ended.Output)));
        Assert.That(ended.Output, Does.Contain("CHAT_TEMPERATURE"));
    }

    [Test]
    public async Task Env_in_the_nearest_parent_is_read()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File(".env"), BadSetting);
        var inner = Directory.CreateDirectory(directory.File("a/b")).FullName;

        var ended = await ChatApiProcess.RunToExitAsync(workingDirectory: inner);

        Assert.That(ended.ExitCode, Is.Not.Zero);
        Assert.That(ended.Output, Does.Contain("CHAT_TEMPERATURE"));
    }

    [Test]
    public async Task A_nearer_env_hides_the_others()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File(".env"), BadSetting);
        var inner = Directory.CreateDirectory(directory.File("a/b")).FullName;
        await File.WriteAllTextAsync(directory.File("a/.env"), "CHAT_TEMPERATURE=0.5\n");

        await using var server = await ChatApiProcess.StartAsync(workingDirectory: inner);

        Assert.That(Directory.Exists(Path.Combine(inner, "data")), Is.True);
    }

    [Test]
    public async Task The_environment_wins_over_env()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File(".env"), BadSetting);

        await using var server = await ChatApiProcess.StartAsync(
            new Dictionary<string, string?> { ["CHAT_TEMPERATURE"] = "0.5" }, directory);

        Assert.That(server.HasExited, Is.False);
    }

    [Test]
    public async Task Env_may_have_comments_quotes_and_blanks()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(
            directory.File(".env"), $"# a comment\n\nexport JWT_SECRET_KEY=\"{TestTokens.Key}\"\r\nOPENAI_API_KEY=\nCHAT_SYSTEM_PROMPT='be # kind'\n");

        await using var server = await ChatApiProcess.StartAsync(workingDirectory: directory);

        (await ApiClient.NewUser(server).GetAsync("/api/chat/sessions")).Expect(HttpStatusCode.OK);
    }

    [Test]
    public async Task Values_of_env_are_taken_as_they_stand()
    {
        const string Key = "a$ecret-with#signs-$dollar-and-enough-length=";
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File(".env"), $"JWT_SECRET_KEY={Key}   # what tokens are signed with\n");

        await using var server = await ChatApiProcess.StartAsync(workingDirectory: directory);

        var user = Guid.CreateVersion7();
        var client = new ApiClient(server, user, TestTokens.Sign(TestTokens.LegacyClaims(user), Key));
        (await client.GetAsync("/api/auth/me")).Expect(HttpStatusCode.OK);
    }

    [TestCase("this line is not a setting")]
    [TestCase("OPENAI_MODEL=\"no end")]
    public async Task A_line_of_env_that_cannot_be_read_is_named_and_not_shown(string line)
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File(".env"), $"OPENAI_API_KEY=sk-canary-0123456789\n{line}\n");

        var ended = await ChatApiProcess.RunToExitAsync(workingDirectory: directory);

        Assert.That(ended.ExitCode, Is.EqualTo(1));
        Assert.That(ended.Output.Trim(), Is.EqualTo("ChatApi cannot start: .env cannot be read: line 2 is not NAME=value."));
    }

    [Test]
    public async Task Port_is_the_port()
    {
        var port = ServerPrograms.FreePort();

        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?>
        {
            ["ASPNETCORE_URLS"] = null,
            ["PORT"] = port.ToString(CultureInfo.InvariantCulture),
        });

        Assert.That(server.Address.Port, Is.EqualTo(port));
    }

    [Test]
    public async Task Aspnetcore_urls_wins_over_port()
    {
        var port = ServerPrograms.FreePort();

        await using var server = await ChatApiProcess.StartAsync(new Dictionary<string, string?> { ["PORT"] = port.ToString(CultureInfo.InvariantCulture) });

        Assert.That(server.Address.Port, Is.Not.EqualTo(port));
    }
}
