using ChatApi.Application.Runs;
using NUnit.Framework;

namespace ChatApi.Tests.Application.Runs;

/// <summary>What a provider calls itself is stored, whatever it is.</summary>
public sealed class ProviderTextTests
{
    [TestCase(null, null)]
    [TestCase("", "")]
    [TestCase("gpt", "gpt")]
    [TestCase("gpt-4o", "gpt-")]
    [TestCase("abc\ud83d\udc4b", "abc")]
    [TestCase("ab\ud83d\udc4b", "ab\ud83d\udc4b")]
    [TestCase("a\0b", "a\ufffdb")]
    public void It_is_cut_at_whole_characters_that_every_database_takes(string? value, string? cut) =>
        Assert.That(ProviderText.Cut(value, 4), Is.EqualTo(cut));

    [Test]
    public void Half_a_character_in_it_is_replaced() =>
        Assert.That(ProviderText.Cut(new string(['a', '\ud83d', 'b']), 4), Is.EqualTo("a\ufffdb"));
}
