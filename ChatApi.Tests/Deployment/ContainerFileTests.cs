using System.Text.RegularExpressions;
using System.Xml.Linq;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Deployment;

/// <summary>No engine of containers is needed to see that the files for them fit the program.</summary>
public sealed partial class ContainerFileTests
{
    /// <summary>Read by others than ChatApi: the runtime, the framework, compose itself.</summary>
    private static readonly string[] OfOthers = ["DOTNET_EnableDiagnostics", "SQLITE_TMPDIR", "ASPNETCORE_HTTP_PORTS", "POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_USER", "CHATAPI_PORT"];

    private static readonly string Dockerfile = File.ReadAllText(Repository.File("Dockerfile"));
    private static readonly string Compose = File.ReadAllText(Repository.File("compose.yaml"));

    private static IEnumerable<string> Manifests =>
        Directory.EnumerateFiles(Repository.File("deploy", "kubernetes"), "*.yaml").Select(File.ReadAllText);

    private static string Orchestration => string.Join('\n', [Compose, .. Manifests]);

    [Test]
    public void Every_variable_that_they_set_is_one_of_the_example()
    {
        var set = Variable().Matches(Orchestration).Concat(VariableOfImage().Matches(Dockerfile)).Concat(Interpolated().Matches(Compose))
            .Select(match => match.Groups[1].Value).Distinct().Except(OfOthers).ToList();
        var example = File.ReadAllText(Repository.File(".env.example"));

        Assert.That(set, Has.Count.GreaterThan(8));
        Assert.That(set.Where(name => !example.Contains($"# {name}=", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void The_layer_of_packages_has_all_that_decides_about_them()
    {
        foreach (var project in Projects("ChatApi.Web"))
            Assert.That(Dockerfile, Does.Contain($"COPY {project}/{project}.csproj {project}/packages.lock.json {project}/\n"));
        foreach (var file in RootFiles("*.props", "*.targets", "global.json", "nuget.config"))
            Assert.That(Dockerfile, Does.Match($@"(?m)^COPY .*\b{Regex.Escape(file)}\b"));
    }

    [Test]
    public void The_builder_is_sent_the_program_and_nothing_else()
    {
        var sent = File.ReadLines(Repository.File(".dockerignore")).Where(line => line.StartsWith('!')).Select(line => line[1..]);
        Assert.That(sent, Is.EquivalentTo([.. Projects("ChatApi.Web"), .. RootFiles("*.props", "*.targets", "global.json", "nuget.config", ".editorconfig")]));
    }

    [Test]
    public void No_secret_has_a_value()
    {
        var values = Secret().Matches(Orchestration).Select(match => match.Groups[1].Value).ToList();
        Assert.That(values, Has.Count.GreaterThanOrEqualTo(3));
        Assert.That(values, Is.All.EqualTo("\"\"").Or.Match(@"\$\{\w+:\?"));
    }

    [Test]
    public void Replies_under_way_are_given_their_time()
    {
        var graces = Grace().Matches(Orchestration).Select(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.That(graces, Has.Count.GreaterThanOrEqualTo(3).And.All.GreaterThanOrEqualTo(50), "It takes 29 s at most, and 15 s more to send what is left of telemetry.");
    }

    [Test]
    public void Health_that_is_asked_for_often_at_the_start_says_how_long_that_lasts()
    {
        var checks = HealthCheck().Matches(Compose).Select(match => match.Value).ToList();
        Assert.That(checks, Has.Count.GreaterThanOrEqualTo(3));
        foreach (var check in checks)
            Assert.That(check.Contains("start_interval:", StringComparison.Ordinal), Is.EqualTo(check.Contains("start_period:", StringComparison.Ordinal)), check);
    }

    [Test]
    public void The_page_about_replicas_shows_the_heart_of_the_configuration_that_is_shipped()
    {
        var shown = Location().Match(File.ReadAllText(Repository.File("docs", "replicas.md"))).Value;
        var shipped = Location().Match(File.ReadAllText(Repository.File("deploy", "nginx.conf"))).Value;
        Assert.That(Lines(shown), Is.Not.Empty.And.EqualTo(Lines(shipped)));
    }

    [Test]
    public void The_proxies_that_are_shipped_let_the_largest_body_and_the_longest_reply_through()
    {
        var example = File.ReadAllText(Repository.File(".env.example"));
        var (largest, longest) = (DefaultOf("CHAT_IMPORT_MAX_MEGABYTES"), DefaultOf("UPSTREAM_TOTAL_TIMEOUT_SECONDS"));
        string[] files = ["deploy/nginx.conf", "docs/replicas.md", "deploy/kubernetes/chatapi.yaml"];
        foreach (var text in files.Select(file => File.ReadAllText(Repository.File(file))))
        {
            Assert.That(Numbers(LargestBody().Matches(text)), Is.EqualTo([largest]));
            Assert.That(Numbers(ProxyPatience().Matches(text)), Is.EqualTo([longest]));
        }

        int DefaultOf(string name) => Numbers(Regex.Matches(example, $@"(?m)^# {name}=(\d+)$")).Single();
    }

    private static IEnumerable<int> Numbers(IEnumerable<Match> matches) =>
        matches.Select(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));

    private static IEnumerable<string> Lines(string block) => block.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0);

    private static IEnumerable<string> RootFiles(params string[] patterns) =>
        patterns.SelectMany(pattern => Directory.EnumerateFiles(Repository.Root, pattern)).Select(path => Path.GetFileName(path));

    /// <summary>A project and those it refers to, each once.</summary>
    private static IEnumerable<string> Projects(string name) => XDocument.Load(Repository.File(name, $"{name}.csproj")).Descendants("ProjectReference")
        .SelectMany(reference => Projects(Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))).Prepend(name).Distinct();

    [GeneratedRegex(@"^ +([A-Z][A-Z0-9_]{3,}):(?= |$)", RegexOptions.Multiline)]
    private static partial Regex Variable();

    [GeneratedRegex(@"(?:^ENV|(?<=^ENV .*)) ([A-Z][A-Za-z_]+)=", RegexOptions.Multiline)]
    private static partial Regex VariableOfImage();

    [GeneratedRegex(@"\$\{(\w+)")]
    private static partial Regex Interpolated();

    [GeneratedRegex(@"^ +\w*(?:SECRET_KEY|PASSWORD|API_KEY): *(.*)$", RegexOptions.Multiline)]
    private static partial Regex Secret();

    [GeneratedRegex(@"(?:stop_grace_period|terminationGracePeriodSeconds): *(\d+)s?")]
    private static partial Regex Grace();

    [GeneratedRegex(@"^ *(?:client_max_body_size |nginx\S+/proxy-body-size: )(\d+)m", RegexOptions.Multiline)]
    private static partial Regex LargestBody();

    [GeneratedRegex("""^ *(?:proxy_read_timeout |nginx\S+/proxy-read-timeout: ")(\d+)[s"]""", RegexOptions.Multiline)]
    private static partial Regex ProxyPatience();

    [GeneratedRegex(@"^ +healthcheck:\n(?: {6}.*\n)+", RegexOptions.Multiline)]
    private static partial Regex HealthCheck();

    [GeneratedRegex(@"location / \{[^}]*\}")]
    private static partial Regex Location();
}
