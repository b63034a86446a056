using System.Diagnostics;
using System.Globalization;
using ChatApi.Application.Sessions;
using NUnit.Framework;

namespace ChatApi.Tests.Application.Sessions;

/// <summary>One short line of plain words, whatever a person or a model wrote.</summary>
public sealed class TitleTextTests
{
    private const string Family = "👩‍👩‍👧";

    [TestCase("Una receta de pan", "Una receta de pan")]
    [TestCase("  \"Una receta de pan.\"\n", "Una receta de pan")]
    [TestCase("«Una receta de pan»", "Una receta de pan")]
    [TestCase("“L'amour”", "L'amour")]
    [TestCase("Análisis de «Rayuela»", "Análisis de «Rayuela»")]
    [TestCase("«Rayuela» y «Ficciones»", "«Rayuela» y «Ficciones»")]
    [TestCase("**Bread** recipe", "Bread recipe")]
    [TestCase("# Bread recipe #1", "Bread recipe #1")]
    [TestCase("1. Bread recipe", "Bread recipe")]
    [TestCase("> - `Bread` recipe", "Bread recipe")]
    [TestCase("```\nBread recipe\n```", "Bread recipe")]
    [TestCase("*Bread recipe*", "Bread recipe")]
    [TestCase("Title: Bread recipe", "Bread recipe")]
    [TestCase("Título: \"Receta de pan\"", "Receta de pan")]
    [TestCase("\r\n\r\nBread recipe\r\nAnd more", "Bread recipe")]
    [TestCase("Bread\u2028recipe", "Bread")]
    [TestCase("Bread\trecipe\u0000\u001b[31m", "Bread recipe [31m")]
    [TestCase("Bread \u202eepicer\u202c\u200b", "Bread epicer")]
    [TestCase("Bread \ud83d recipe", "Bread recipe")]
    [TestCase("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>")]
    [TestCase("snake_case and a * b * c", "snake_case and a * b * c")]
    [TestCase("パンの作り方。", "パンの作り方。")]
    [TestCase("", "")]
    [TestCase(" \n \t ", "")]
    [TestCase("\"\"", "")]
    [TestCase("...", "")]
    [TestCase("\u200b\u202e", "")]
    public void The_title_of_an_answer_is_plain(string answer, string title) => Assert.That(TitleText.OfAnswer(answer), Is.EqualTo(title));

    [TestCase("¿Qué hora es en Lima?", "¿Qué hora es en Lima?")]
    [TestCase("Hola. ¿Me ayudas con una receta? Es para hoy.", "¿Me ayudas con una receta?")]
    [TestCase("Hi! Please fix version 1.2 of my code. Thanks.", "Please fix version 1.2 of my code")]
    [TestCase("Hola", "Hola")]
    [TestCase("Hola, Ana.", "Hola, Ana")]
    [TestCase("\n\n## Traduce esto al inglés:\nHola", "Traduce esto al inglés")]
    [TestCase("```python\nprint(1)\n```", "python")]
    [TestCase("你好。请帮我写一封信。", "你好。请帮我写一封信。")]
    [TestCase("👋", "👋")]
    [TestCase("\u200b", "")]
    public void The_title_of_a_question_is_its_first_sentence_that_says_something(string question, string title) =>
        Assert.That(TitleText.OfQuestion(question), Is.EqualTo(title));

    [Test]
    public void A_long_text_is_cut_between_two_words() =>
        Assert.That(
            TitleText.OfQuestion("Quiero un plan de entrenamiento para correr mi primera maratón en otoño sin lesionarme, con tres días libres"),
            Is.EqualTo("Quiero un plan de entrenamiento para correr mi primera maratón en otoño sin…"));

    [Test]
    public void A_text_without_spaces_is_cut_between_two_characters_as_people_see_them()
    {
        foreach (var text in new[] { new string('a', 300), string.Concat(Enumerable.Repeat("👋🏽", 100)), string.Concat(Enumerable.Repeat(Family, 100)), string.Concat(Enumerable.Repeat("e\u0301", 200)) })
        {
            var unit = text[..StringInfo.GetNextTextElementLength(text)];
            foreach (var title in new[] { TitleText.OfAnswer(text), TitleText.OfQuestion(text) })
            {
                Assert.That(title, Has.Length.LessThanOrEqualTo(TitleText.MaxLength).And.Length.GreaterThan(60));
                Assert.That(title[..^1].Replace(unit, "", StringComparison.Ordinal), Is.Empty, "half a character");
                Assert.That(title[^1], Is.EqualTo('…'));
            }
        }
    }

    [Test]
    public void No_text_takes_long_or_makes_a_title_that_could_not_be_stored()
    {
        var random = new Random(7);
        var odd = new List<string>
        {
            new('.', 32_000), new string('.', 31_999) + "x", new(' ', 32_000), "a" + new string('\u0301', 32_000), string.Concat(Enumerable.Repeat("> ", 16_000)),
            string.Concat(Enumerable.Repeat("\"«", 16_000)), new('\n', 32_000), new('#', 32_000), new('`', 32_000), new('\ud83d', 32_000), string.Concat(Enumerable.Repeat("a. ", 10_000)),
        };
        for (var count = 0; count < 2000; count++)
            odd.Add(string.Concat(Enumerable.Range(0, random.Next(1, 200)).Select(_ => (char)(random.Next(3) == 0 ? random.Next(0x20) : random.Next(0x10000)))));
        var watch = Stopwatch.StartNew();
        foreach (var title in odd.SelectMany(text => new[] { TitleText.OfAnswer(text), TitleText.OfQuestion(text) }))
        {
            Assert.That(title, Has.Length.LessThanOrEqualTo(TitleText.MaxLength));
            Assert.That(title.Any(char.IsControl), Is.False);
            Assert.That(title.EnumerateRunes().Any(rune => rune.Value == 0xFFFD), Is.False, "half a character");
        }

        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
    }
}
