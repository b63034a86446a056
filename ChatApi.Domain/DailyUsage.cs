namespace ChatApi.Domain;

/// <summary>What a user's replies of one day by one model cost. It stays when they are deleted.</summary>
public sealed class DailyUsage
{
    /// <summary>The user.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The day, UTC, on which the replies were asked for.</summary>
    public required DateOnly Day { get; init; }

    /// <summary>The model, as it names itself; empty where it does not.</summary>
    public required string Model { get; init; }

    /// <summary>What one reply cost.</summary>
    public static DailyUsage Of(Guid userId, DateTime askedAt, string? model, TokenUsage usage) => new()
    {
        UserId = userId,
        Day = DateOnly.FromDateTime(askedAt),
        Model = model ?? "",
        Replies = 1,
        PromptTokens = usage.PromptTokens,
        CompletionTokens = usage.CompletionTokens,
        EstimatedTokens = usage.Estimated ? usage.TotalTokens : 0,
    };

    /// <summary>How many replies.</summary>
    public int Replies { get; set; }

    /// <summary>Tokens of what was sent.</summary>
    public long PromptTokens { get; set; }

    /// <summary>Tokens of the replies.</summary>
    public long CompletionTokens { get; set; }

    /// <summary>Those of both kinds that were counted here because the model gave no figures.</summary>
    public long EstimatedTokens { get; set; }
}
