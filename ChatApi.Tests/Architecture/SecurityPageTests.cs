using System.Text.RegularExpressions;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Architecture;

/// <summary>What <c>docs/security.md</c> says is proved, is.</summary>
public sealed partial class SecurityPageTests
{
    [Test]
    public void Every_test_that_it_names_exists()
    {
        var named = TestName().Matches(File.ReadAllText(Repository.File("docs", "security.md"))).Select(match => match.Groups[1].Value).Distinct().ToList();
        var tests = typeof(SecurityPageTests).Assembly.GetTypes().Where(type => type.Name.EndsWith("Tests", StringComparison.Ordinal))
            .SelectMany(type => type.GetMethods().Where(IsTest).Select(method => $"{type.Name}.{method.Name}"));

        Assert.That(named, Has.Count.GreaterThan(30));
        Assert.That(named, Is.SubsetOf(tests));
    }

    [Test]
    public void All_of_the_ten_are_there() =>
        Assert.That(File.ReadAllText(Repository.File("docs", "security.md")), Does.Match(string.Concat(Enumerable.Range(1, 10).Select(number => $@"(?s)### API{number} .*- .*`\w+Tests\.\w+`.*"))));

    private static bool IsTest(System.Reflection.MethodInfo method) =>
        method.GetCustomAttributes(false).Any(attribute => attribute is TestAttribute or TestCaseAttribute or TestCaseSourceAttribute);

    [GeneratedRegex(@"`(\w+Tests\.\w+)`")]
    private static partial Regex TestName();
}
