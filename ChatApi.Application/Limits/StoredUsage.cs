using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Limits;

/// <summary>Reads from the database what replies did cost.</summary>
public sealed class StoredUsage(IChatDbContextFactory contexts)
{
    /// <summary>What the user's replies of a day did cost, whether or not they are still there.</summary>
    internal async Task<DayUsage> ReadAsync(Guid userId, DateOnly day, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var used = await db.DailyUsages
            .Where(usage => usage.UserId == userId && usage.Day == day)
            .GroupBy(usage => 1)
            .Select(days => new DayUsage(days.Sum(usage => usage.Replies), days.Sum(usage => usage.PromptTokens), days.Sum(usage => usage.CompletionTokens)))
            .SingleOrDefaultAsync(cancellationToken);
        return used ?? new(0, 0, 0);
    }

    /// <summary>The same by day and model, the earliest first.</summary>
    internal async Task<IReadOnlyList<DailyUsage>> ReadAsync(Guid userId, DateOnly from, DateOnly to, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        return await db.DailyUsages
            .Where(usage => usage.UserId == userId && usage.Day >= from && usage.Day <= to)
            .OrderBy(usage => usage.Day).ThenBy(usage => usage.Model)
            .ToListAsync(cancellationToken);
    }

    /// <summary>What the replies of a conversation did cost, on whatever branch, by model.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    internal async Task<IReadOnlyList<SumOfReplies>> ReadAsync(Guid userId, Guid sessionId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        if (!await db.Sessions.AnyAsync(session => session.Id == sessionId && session.UserId == userId, cancellationToken))
            throw new NotFoundException();
        return await db.Messages
            .Where(message => message.SessionId == sessionId && message.Usage != null)
            .Select(message => new { message.Model, message.Usage!.PromptTokens, message.Usage.CompletionTokens, message.Usage.Estimated })
            .GroupBy(reply => reply.Model)
            .OrderBy(replies => replies.Key)
            .Select(replies => new SumOfReplies(
                replies.Key,
                replies.Count(),
                replies.Sum(reply => (long)reply.PromptTokens),
                replies.Sum(reply => (long)reply.CompletionTokens),
                replies.Sum(reply => reply.Estimated ? (long)reply.PromptTokens + reply.CompletionTokens : 0L)))
            .ToListAsync(cancellationToken);
    }
}

/// <summary>What a user's replies of a day did cost.</summary>
/// <param name="Replies">How many they are.</param>
/// <param name="PromptTokens">Tokens of all that was sent to the model.</param>
/// <param name="CompletionTokens">Tokens of the replies.</param>
public sealed record DayUsage(int Replies, long PromptTokens, long CompletionTokens)
{
    /// <summary>Both together.</summary>
    public long TotalTokens => PromptTokens + CompletionTokens;
}

/// <summary>What some replies of one model did cost.</summary>
/// <param name="Model">The model; null where it does not say its name.</param>
/// <param name="Replies">How many they are.</param>
/// <param name="PromptTokens">Tokens of all that was sent to the model.</param>
/// <param name="CompletionTokens">Tokens of the replies.</param>
/// <param name="EstimatedTokens">Those of both kinds that were counted here because the model gave no figures.</param>
internal sealed record SumOfReplies(string? Model, int Replies, long PromptTokens, long CompletionTokens, long EstimatedTokens);
