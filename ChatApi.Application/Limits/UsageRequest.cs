using System.Globalization;
using ChatApi.Application.Errors;

namespace ChatApi.Application.Limits;

/// <summary>The days of which it is asked what was used.</summary>
/// <param name="From">The first day, <c>2026-01-31</c>; null for 29 days before the last one.</param>
/// <param name="To">The last day; null for today.</param>
public sealed record UsageRequest(string? From, string? To)
{
    private const int DefaultDays = 30;
    private const int MaxDays = 366;

    /// <exception cref="InvalidRequestException">One is no day, or they are none, or too many.</exception>
    internal (DateOnly From, DateOnly To) Days(DateOnly today)
    {
        var to = Parse("to", To) ?? today;
        var from = Parse("from", From) ?? DateOnly.FromDayNumber(Math.Max(0, to.DayNumber - DefaultDays + 1));
        if (from > to)
            throw Refusal("from", "The first day must not be after the last one.");
        return to.DayNumber - from.DayNumber < MaxDays ? (from, to) : throw Refusal("from", $"These are more than {MaxDays} days.");
    }

    private static DateOnly? Parse(string name, string? text)
    {
        if (text is null)
            return null;
        return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw Refusal(name, "A day is given as 2026-01-31.");
    }

    private static InvalidRequestException Refusal(string name, string sentence) =>
        new(ErrorCodes.InvalidRequest, sentence, new Dictionary<string, string[]> { [name] = [sentence] });
}
