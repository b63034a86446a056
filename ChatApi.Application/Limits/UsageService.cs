using ChatApi.Application.Errors;
using ChatApi.Domain;

namespace ChatApi.Application.Limits;

/// <summary>Tells users what they have used and what is left.</summary>
public sealed class UsageService(RateLimits limits, StoredUsage stored, Prices prices, TimeProvider time)
{
    private static readonly LimitResponse Unlimited = new(null, null, null, null, null);

    /// <summary>The user's day so far, and what was used on the days that are asked for.</summary>
    /// <exception cref="InvalidRequestException">The days are none, or too many.</exception>
    public async Task<UsageResponse> ReadAsync(Guid userId, UsageRequest request, CancellationToken cancellationToken)
    {
        var now = time.Now();
        var day = DateOnly.FromDateTime(now);
        var (from, to) = request.Days(day);
        var days = await stored.ReadAsync(userId, from, to, cancellationToken);
        var tomorrow = now.Date.AddDays(1);
        var usage = await stored.ReadAsync(userId, day, cancellationToken);
        var meters = await limits.LookAsync(userId, cancellationToken);
        return new(
            day, tomorrow, new(usage.Replies, usage.PromptTokens, usage.CompletionTokens, usage.TotalTokens),
            new(Of("tokens"), Of("requests"), Of("turns"), Of("runs")), [.. days.Select(Describe)], prices.Currency);

        LimitResponse Of(string policy) => meters.FirstOrDefault(meter => meter.Policy.Name == policy) is { } meter
            ? new(
                meter.Policy.Limit, meter.Used, meter.Policy.Kind == PolicyKind.Tokens ? meter.Reserved : null, meter.Remaining,
                meter.Policy.Kind switch
                {
                    PolicyKind.Tokens => tomorrow,
                    PolicyKind.Window when meter.Used > 0 => now + meter.Rest,
                    _ => null,
                })
            : Unlimited;
    }

    private DayResponse Describe(DailyUsage used) => new(
        used.Day, used.Model.Length == 0 ? null : used.Model, used.Replies, used.PromptTokens, used.CompletionTokens,
        used.PromptTokens + used.CompletionTokens, used.EstimatedTokens, prices.Cost(used.Model, used.PromptTokens, used.CompletionTokens));

    /// <summary>What the replies of a conversation did cost.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    public async Task<SessionUsageResponse> ReadSessionAsync(Guid userId, Guid sessionId, CancellationToken cancellationToken)
    {
        var sums = await stored.ReadAsync(userId, sessionId, cancellationToken);
        List<ModelUsageResponse> models = [.. sums.Select(sum => new ModelUsageResponse(
            sum.Model, sum.Replies, sum.PromptTokens, sum.CompletionTokens, sum.PromptTokens + sum.CompletionTokens, sum.EstimatedTokens,
            prices.Cost(sum.Model, sum.PromptTokens, sum.CompletionTokens)))];
        return new(
            sessionId, models.Sum(sum => sum.Replies), models.Sum(sum => sum.PromptTokens), models.Sum(sum => sum.CompletionTokens),
            models.Sum(sum => sum.TotalTokens), models.Sum(sum => sum.EstimatedTokens),
            prices.Currency is null || models.Exists(sum => sum.Cost is null) ? null : models.Sum(sum => sum.Cost!.Value), prices.Currency, models);
    }
}
