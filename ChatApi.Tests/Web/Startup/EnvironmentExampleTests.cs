using System.Text.RegularExpressions;
using ChatApi.Application;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure;
using ChatApi.Tests.Support;
using ChatApi.Web.Hosting;
using ChatApi.Web.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Startup;

/// <summary><c>.env.example</c> and the documentation say what the program reads, all of it and nothing else.</summary>
public sealed partial class EnvironmentExampleTests
{
    /// <summary>ASP.NET Core's own, which wins over PORT and is named beside it.</summary>
    private const string ServerUrls = "urls";

    [Test]
    public void The_example_names_every_variable_that_is_read_and_no_other()
    {
        var named = Variable().Matches(File.ReadAllText(Repository.File(".env.example"))).Select(match => match.Groups[1].Value).ToList();
        Assert.That(named, Is.Unique.And.EquivalentTo(VariablesThatAreRead()));
    }

    [Test]
    public void Every_variable_of_the_example_has_a_line_that_explains_it()
    {
        var lines = File.ReadAllLines(Repository.File(".env.example"));
        foreach (var index in Enumerable.Range(0, lines.Length).Where(index => Variable().IsMatch(lines[index])))
            Assert.That(lines[index - 1], Does.Match("^# .{8,}"), lines[index]);
    }

    [Test]
    public void The_page_about_operations_explains_every_variable_of_the_example()
    {
        var page = File.ReadAllText(Repository.File("docs", "operations.md"));
        var names = Variable().Matches(File.ReadAllText(Repository.File(".env.example"))).Select(match => match.Groups[1].Value);
        Assert.That(names.Where(name => !Regex.IsMatch(page, $@"`{name}\b")), Is.Empty);
    }

    private static HashSet<string> VariablesThatAreRead()
    {
        var recorder = new Recorder();
        var settings = new Settings(recorder);
        var builder = WebApplication.CreateBuilder();
        builder.ConfigureLog(settings);
        builder.ConfigureServer(settings);
        builder.Services.AddApplication(settings);
        builder.Services.AddInfrastructure(settings, isDevelopment: true);
        builder.Services.AddWeb(settings);
        builder.ConfigureTelemetry(settings);
        recorder.Names.Remove(ServerUrls);
        Assert.That(recorder.Names, Has.Count.GreaterThan(20));
        return recorder.Names;
    }

    /// <summary>A configuration without values, but for the key, that remembers what it was asked for.</summary>
    private sealed class Recorder : IConfiguration
    {
        public HashSet<string> Names { get; } = [];

        public string? this[string key]
        {
            get
            {
                Names.Add(key);

                // Without one, a key would be made and kept in a file.
                return key == "JWT_SECRET_KEY" ? TestTokens.Key : null;
            }

            set => throw new NotSupportedException();
        }

        public IEnumerable<IConfigurationSection> GetChildren() => [];

        public IChangeToken GetReloadToken() => new CancellationChangeToken(CancellationToken.None);

        public IConfigurationSection GetSection(string key) => throw new NotSupportedException();
    }

    [GeneratedRegex("^# ([A-Z][A-Z_]+)=", RegexOptions.Multiline)]
    private static partial Regex Variable();
}
