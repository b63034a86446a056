using System.Globalization;
using ChatApi.Application.Configuration;

namespace ChatApi.Application.Limits;

/// <summary>What models cost, as the operator says.</summary>
public sealed class Prices
{
    private const decimal TokensPerPrice = 1_000_000;
    private const decimal MaxPrice = 1_000_000;

    private readonly Dictionary<string, Price> _byModel;

    private Prices(Dictionary<string, Price> byModel, string currency)
    {
        _byModel = byModel;
        Currency = byModel.Count == 0 ? null : currency;
    }

    /// <summary>Three letters; null where there are no prices.</summary>
    public string? Currency { get; }

    /// <summary><c>CHAT_PRICES</c>: for a million tokens, those sent and those said; <c>CHAT_PRICES_CURRENCY</c>: of what.</summary>
    /// <exception cref="ConfigurationException">These are no prices, or no currency.</exception>
    public static Prices Read(Settings settings)
    {
        var byModel = new Dictionary<string, Price>(StringComparer.Ordinal);
        foreach (var entry in (settings.Text("CHAT_PRICES") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (entry.LastIndexOf('=') is not (> 0 and var equals) || Price.Parse(entry.AsSpan(equals + 1)) is not { } price
                || !byModel.TryAdd(entry[..equals].TrimEnd(), price))
                throw new ConfigurationException(
                    "CHAT_PRICES must be a price of each model for a million tokens, sent and said: gpt-4o-mini=0.15/0.60,gpt-4o=2.5/10.");
        }

        var currency = settings.Text("CHAT_PRICES_CURRENCY") ?? "USD";
        return currency.Length == 3 && currency.All(char.IsAsciiLetterUpper)
            ? new(byModel, currency)
            : throw new ConfigurationException("CHAT_PRICES_CURRENCY must be the three capital letters of a currency, as USD.");
    }

    /// <summary>What so many tokens cost; null where the model has no price.</summary>
    /// <param name="model">As it names itself.</param>
    /// <param name="promptTokens">What was sent to it.</param>
    /// <param name="completionTokens">What it said.</param>
    internal decimal? Cost(string? model, long promptTokens, long completionTokens) => PriceOf(model) is not { } price
        ? null
        : WithoutZeros((promptTokens * price.Prompt + completionTokens * price.Completion) / TokensPerPrice);

    /// <summary>Replies name a version of what was asked for (<c>gpt-4o-mini-2024-07-18</c>): the longest name that it is a version of.</summary>
    private Price? PriceOf(string? model)
    {
        if (model is null)
            return null;
        for (var name = model; ; name = name[..name.LastIndexOf('-')])
        {
            if (_byModel.TryGetValue(name, out var price) && IsVersion(model.AsSpan(name.Length)))
                return price;
            if (!name.Contains('-', StringComparison.Ordinal))
                return null;
        }
    }

    /// <summary>Another model may have a longer name, too (<c>gpt-4o-mini</c>, of <c>gpt-4o</c>), and quite another price.</summary>
    private static bool IsVersion(ReadOnlySpan<char> suffix) =>
        suffix is "" or "-latest" or "-preview" || suffix is ['-', >= '0' and <= '9', ..];

    /// <summary>JSON would show those that a division leaves at the end.</summary>
    private static decimal WithoutZeros(decimal number) => number / 1.000000000000000000000000000000000m;

    private sealed record Price(decimal Prompt, decimal Completion)
    {
        public static Price? Parse(ReadOnlySpan<char> text)
        {
            var slash = text.IndexOf('/');
            return slash > 0 && Number(text[..slash]) is { } prompt && Number(text[(slash + 1)..]) is { } completion ? new(prompt, completion) : null;
        }

        private static decimal? Number(ReadOnlySpan<char> text) =>
            decimal.TryParse(text.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= MaxPrice ? number : null;
    }
}
