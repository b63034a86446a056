using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Limits;

/// <summary>How many tokens a user may use in a day. What is stored counts, and what replies in the making may still cost.</summary>
public sealed class TokenBudget(IChatDbContextFactory contexts, LimitOptions options, TimeProvider time)
{
    /// <param name="userId">The user.</param>
    /// <param name="reserved">Tokens that the user's replies in the making may still cost.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RateLimitedException">The day's tokens are used up.</exception>
    public async Task CheckAsync(Guid userId, Func<int> reserved, CancellationToken cancellationToken)
    {
        if (options.TokensPerDay == 0)
            return;
        var now = time.Now();
        await using var db = contexts.Create();
        var used = await (
            from message in db.Messages
            join session in db.Sessions on message.SessionId equals session.Id
            where session.UserId == userId && message.CreatedAt >= now.Date && message.Usage != null
            select (long?)message.Usage!.PromptTokens + message.Usage.CompletionTokens).SumAsync(cancellationToken) ?? 0;
        if (used + reserved() >= options.TokensPerDay)
            throw new RateLimitedException("The tokens of this day are used up.") { RetryAfter = now.Date.AddDays(1) - now };
    }
}
