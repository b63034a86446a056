using System.Globalization;
using ChatApi.Application.Configuration;
using ChatApi.Application.Limits;
using Microsoft.Extensions.Configuration;
using NUnit.Framework;

namespace ChatApi.Tests.Application.Limits;

/// <summary>What tokens cost by the prices that an operator gives.</summary>
public sealed class PricesTests
{
    private const string Some = "gpt-4o-mini=0.15/0.60, gpt-4o=2.5/10,claude-3-5-haiku=0.8/4,llama3.2:latest=0/0,a=b=1/2";

    [TestCase("gpt-4o-mini", "0.00045")]
    [TestCase("gpt-4o-mini-2024-07-18", "0.00045")]
    [TestCase("gpt-4o", "0.0075")]
    [TestCase("gpt-4o-2024-08-06", "0.0075")]
    [TestCase("gpt-4o-latest", "0.0075")]
    [TestCase("claude-3-5-haiku-20241022", "0.0028")]
    [TestCase("llama3.2:latest", "0")]
    [TestCase("a=b", "0.002")]
    [TestCase("gpt-4o-audio", null, Description = "Another model, not a version of this one.")]
    [TestCase("gpt-4o-mini-high", null)]
    [TestCase("gpt-4", null)]
    [TestCase("gpt-4omni", null)]
    [TestCase("-", null)]
    [TestCase("", null)]
    [TestCase(null, null)]
    public void The_longest_name_that_the_model_is_a_version_of_has_its_price(string? model, string? cost) => Assert.That(
        Read(Some).Cost(model, 1000, 500)?.ToString(CultureInfo.InvariantCulture), Is.EqualTo(cost));

    [Test]
    public void Small_and_large_sums_are_exact()
    {
        var prices = Read("m=0.15/999999.999999");
        Assert.That(prices.Cost("m", 1, 0)!.Value.ToString(CultureInfo.InvariantCulture), Is.EqualTo("0.00000015"));
        Assert.That(prices.Cost("m", 0, 2_000_000_000_000_000)!.Value.ToString(CultureInfo.InvariantCulture), Is.EqualTo("1999999999998000"));
    }

    [Test]
    public void Without_prices_there_is_no_currency()
    {
        Assert.That((Read(null).Currency, Read(null, "EUR").Currency, Read(Some).Currency, Read(Some, "EUR").Currency), Is.EqualTo(((string?)null, (string?)null, "USD", "EUR")));
        Assert.That(Read(null).Cost("gpt-4o", 1, 1), Is.Null);
    }

    [TestCase("gpt-4o")]
    [TestCase("gpt-4o=2.5")]
    [TestCase("gpt-4o=2,5/10")]
    [TestCase("gpt-4o=-1/10")]
    [TestCase("gpt-4o=1e3/10")]
    [TestCase("gpt-4o=1/2/3")]
    [TestCase("gpt-4o=NaN/10")]
    [TestCase("gpt-4o=1000001/10")]
    [TestCase("gpt-4o=/10")]
    [TestCase("=1/2")]
    [TestCase("gpt-4o=1/2,gpt-4o=3/4")]
    public void What_is_no_price_is_refused(string prices) => Assert.That(
        () => Read(prices), Throws.InstanceOf<ConfigurationException>().With.Message.Contains("CHAT_PRICES"));

    private static Prices Read(string? prices, string? currency = null) => Prices.Read(new Settings(new ConfigurationBuilder()
        .AddInMemoryCollection([new("CHAT_PRICES", prices), new("CHAT_PRICES_CURRENCY", currency)]).Build()));
}
