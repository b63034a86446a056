using System.Text.RegularExpressions;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Samples;

/// <summary>What <c>docs/frontend.md</c> shows is what the samples have.</summary>
public sealed partial class FrontEndPageTests
{
    [Test]
    public void Each_piece_of_code_is_in_the_file_that_stands_before_it() => Assert.Multiple(() =>
    {
        var page = File.ReadAllText(Repository.File("docs", "frontend.md"));
        var shown = Shown().Matches(page);

        Assert.That(shown, Has.Count.GreaterThanOrEqualTo(8));
        Assert.That(page.Split('\n').Count(line => line.StartsWith("```", StringComparison.Ordinal)), Is.EqualTo(2 * shown.Count), "Each has its file.");
        foreach (var piece in shown.Cast<Match>())
            Assert.That(File.ReadAllText(Repository.File(piece.Groups[1].Value.Split('/'))), Does.Contain(piece.Groups[2].Value), piece.Groups[1].Value);
    });

    [GeneratedRegex(@"\]\(\.\./(samples/[^)]+)\)[^\n]*\n\n```\w+\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Shown();
}
