using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Deployment;

/// <summary>
/// What the image runs, as the image runs it, but for the image: the published program, as a user that is not root and may write nowhere,
/// in the topology of <c>compose.yaml</c>, with real servers.
/// </summary>
public sealed partial class PublishedProgramTests
{
    private const string WorkingDirectory = "/chatapi";

    [Test]
    public async Task Two_replicas_that_may_write_nowhere_serve_behind_nginx_and_end_in_time()
    {
        using var program = await PublishAsync();
        using var nowhere = await ReadOnlyDirectoryAsync();
        var postgres = await ChatApiEnvironment.PostgresAsync();
        await using var redis = await RedisServer.StartAsync();
        await using var upstream = ScriptedUpstream.Start();
        var environment = new Dictionary<string, string?>(Image(nowhere))
        {
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["DATABASE_URL"] = postgres.Url(await postgres.CreateDatabaseAsync()),
            ["DATABASE_AUTO_MIGRATE"] = "false",
            ["REDIS_URL"] = redis.Url(),
            ["TRUSTED_PROXIES"] = "127.0.0.1",
            ["OPENAI_BASE_URL"] = upstream.BaseUrl,
            ["HOME"] = "/",
            ["TMPDIR"] = nowhere,
        };

        await using (var migration = Start(program, nowhere, environment, "migrate"))
            Assert.That((await migration.WaitForExitAsync(TimeSpan.FromMinutes(2)), migration.Output), Is.EqualTo((0, migration.Output)));
        await using var first = Start(program, nowhere, On(environment, out var firstAddress));
        await using var second = Start(program, nowhere, On(environment, out var secondAddress));
        foreach (var (replica, address) in new[] { (first, firstAddress), (second, secondAddress) })
            await AnswerAsync(replica, address, Probes());
        await using var nginx = await NginxServer.StartAsync([firstAddress, secondAddress]);

        using var user = new HttpClient { BaseAddress = nginx.Address };
        user.DefaultRequestHeaders.Authorization = new("Bearer", TestTokens.For(Guid.CreateVersion7()));
        for (var turn = 0; turn < 4; turn++)
        {
            using var answer = await user.PostAsync("/api/chat", new StringContent("""{"content":"Hola"}""", ApiClient.JsonType));
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("Hello there."));
        }

        first.Signal(ProcessSignal.Terminate);
        second.Signal(ProcessSignal.Terminate);
        Assert.That((await first.WaitForExitAsync(), await second.WaitForExitAsync()), Is.EqualTo((0, 0)), first.Output + second.Output);
        Assert.That(first.Output + second.Output, Does.Not.Contain("HTTP_PORTS").And.Not.Contain(" fail: "));
        Assert.That(Directory.EnumerateFileSystemEntries(nowhere), Is.Empty);
        Canary.ExpectNone(first.Output + second.Output);
    }

    [Test]
    public async Task Without_a_database_nothing_is_written_but_what_is_in_data()
    {
        using var program = await PublishAsync();
        using var work = await ReadOnlyDirectoryAsync("data");
        using var nowhere = await ReadOnlyDirectoryAsync();
        var environment = new Dictionary<string, string?>(Image(work)) { ["JWT_SECRET_KEY"] = TestTokens.Key, ["HOME"] = "/", ["TMPDIR"] = nowhere };

        await using var server = Start(program, work, On(environment, out var address));
        await AnswerAsync(server, address, Probes());

        Assert.That(Directory.EnumerateFileSystemEntries(work).Select(Path.GetFileName), Is.EqualTo(["data"]));
        Assert.That(Directory.EnumerateFileSystemEntries(nowhere), Is.Empty);
        Assert.That(Directory.EnumerateFiles(work.File("data")).Select(Path.GetFileName), Is.All.StartsWith("chatapi.db"));
    }

    /// <summary>The base image's own variables, and those of the Dockerfile, with another working directory.</summary>
    private static Dictionary<string, string?> Image(string workingDirectory)
    {
        var variables = new Dictionary<string, string?> { ["DOTNET_RUNNING_IN_CONTAINER"] = "true" };
        foreach (var line in File.ReadLines(Repository.File("Dockerfile")).Where(line => line.StartsWith("ENV ", StringComparison.Ordinal)))
            foreach (var (name, value) in line[4..].Split(' ').Select(pair => pair.Split('=')).Select(pair => (pair[0], pair[1])))
                variables[name] = value.StartsWith(WorkingDirectory, StringComparison.Ordinal) ? workingDirectory + value[WorkingDirectory.Length..] : value;
        Assert.That(variables, Contains.Key("ASPNETCORE_HTTP_PORTS").And.ContainKey("DOTNET_EnableDiagnostics"));
        return variables;
    }

    /// <summary>As the Dockerfile does, from what is built already.</summary>
    private static async Task<TemporaryDirectory> PublishAsync()
    {
        var directory = new TemporaryDirectory();
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        await ChildProcess.RunAsync(
            "dotnet",
            ["publish", Repository.File("ChatApi.Web", "ChatApi.Web.csproj"), "--configuration", configuration, "--no-build", "--nologo", "--output", directory.File("app"), "-nodeReuse:false"],
            directory);
        await ForNobodyToWriteAsync(directory);
        return directory;
    }

    private static async Task<TemporaryDirectory> ReadOnlyDirectoryAsync(params string[] writable)
    {
        var directory = new TemporaryDirectory();
        foreach (var name in writable)
            await ServerPrograms.HandOverAsync(Directory.CreateDirectory(directory.File(name)).FullName);
        await ForNobodyToWriteAsync(directory);
        return directory;
    }

    /// <summary>Of another user's; where the tests are not root and it is the same user's, it is not for that one either.</summary>
    private static Task ForNobodyToWriteAsync(string directory) => ChildProcess.RunAsync("chmod", ["0555", directory], "/");

    private static ChildProcess Start(TemporaryDirectory program, string workingDirectory, Dictionary<string, string?> environment, params string[] arguments) =>
        ServerPrograms.StartUnprivileged("dotnet", [program.File("app/ChatApi.Web.dll"), .. arguments], workingDirectory, environment);

    private static Dictionary<string, string?> On(Dictionary<string, string?> environment, out Uri address)
    {
        var port = ServerPrograms.FreePort().ToString(CultureInfo.InvariantCulture);
        address = new Uri($"http://127.0.0.1:{port}/");
        return new(environment) { ["PORT"] = port };
    }

    /// <summary>The paths that orchestrators are told to look at.</summary>
    private static List<string> Probes()
    {
        string[] files = ["compose.yaml", "deploy/kubernetes/chatapi.yaml"];
        var paths = files.SelectMany(file => Probe().Matches(File.ReadAllText(Repository.File(file)))).Select(match => match.Value).Distinct().ToList();
        Assert.That(paths, Has.Count.EqualTo(2));
        return paths;
    }

    private static async Task AnswerAsync(ChildProcess server, Uri address, IEnumerable<string> paths)
    {
        using var client = new HttpClient { BaseAddress = address };
        foreach (var path in paths)
        {
            await Poll.UntilAsync(async () =>
            {
                if (server.HasExited)
                    throw new InvalidOperationException($"ChatApi ended:\n{server.Output}");
                try
                {
                    return (await client.GetAsync(path)).StatusCode == HttpStatusCode.OK;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            }, path);
        }
    }

    [GeneratedRegex(@"/health/\w+")]
    private static partial Regex Probe();
}
