namespace ChatApi.Application.Limits;

/// <summary>What was used, and what is left.</summary>
/// <param name="Day">The day, UTC, whose tokens are counted.</param>
/// <param name="ResetsAt">When the next day begins, UTC.</param>
/// <param name="Today">The replies of the day.</param>
/// <param name="Limits">How the limits stand.</param>
/// <param name="Days">What was used on each day that was asked for, by model, the earliest first; days without use are not in it.</param>
/// <param name="Currency">Of the costs; null where no prices are known.</param>
public sealed record UsageResponse(
    DateOnly Day, DateTime ResetsAt, TodayResponse Today, LimitsResponse Limits, IReadOnlyList<DayResponse> Days, string? Currency);

/// <summary>The replies of a day, whether or not they were deleted since. Tokens have those of titles in them, too.</summary>
/// <param name="Replies">How many they are.</param>
/// <param name="PromptTokens">Tokens of all that was sent to the model.</param>
/// <param name="CompletionTokens">Tokens of the replies.</param>
/// <param name="TotalTokens">Both together.</param>
public sealed record TodayResponse(int Replies, long PromptTokens, long CompletionTokens, long TotalTokens);

/// <summary>How the limits stand.</summary>
/// <param name="Tokens">Tokens a day.</param>
/// <param name="Requests">Requests a minute.</param>
/// <param name="Turns">Questions a minute.</param>
/// <param name="Runs">Replies at a time.</param>
public sealed record LimitsResponse(LimitResponse Tokens, LimitResponse Requests, LimitResponse Turns, LimitResponse Runs);

/// <summary>How one limit stands.</summary>
/// <param name="Limit">What is allowed; null where there is no limit.</param>
/// <param name="Used">What is used; null where nobody counts.</param>
/// <param name="Reserved">Of tokens: what replies in the making may still cost, beside what is used.</param>
/// <param name="Remaining">What is left; null where there is no limit.</param>
/// <param name="ResetsAt">When all of it is there again, UTC; null where that depends on replies in the making, or nothing is used.</param>
public sealed record LimitResponse(long? Limit, long? Used, long? Reserved, long? Remaining, DateTime? ResetsAt);

/// <summary>What one model was used for on one day, UTC. What was deleted since is in it; tokens and cost have those of titles in them, too.</summary>
/// <param name="Day">The day on which it was asked.</param>
/// <param name="Model">The model, as it names itself; null where it does not.</param>
/// <param name="Replies">How many replies.</param>
/// <param name="PromptTokens">Tokens of all that was sent to the model.</param>
/// <param name="CompletionTokens">Tokens of what it said.</param>
/// <param name="TotalTokens">Both together.</param>
/// <param name="EstimatedTokens">Those of both kinds that were counted here because the model gave no figures.</param>
/// <param name="Cost">By the operator's prices of now; null where the model has none.</param>
public sealed record DayResponse(
    DateOnly Day, string? Model, int Replies, long PromptTokens, long CompletionTokens, long TotalTokens, long EstimatedTokens, decimal? Cost);

/// <summary>What the replies of a conversation did cost: those that it has, on whatever branch. Titles are not in it.</summary>
/// <param name="SessionId">The conversation.</param>
/// <param name="Replies">How many replies.</param>
/// <param name="PromptTokens">Tokens of all that was sent to the models.</param>
/// <param name="CompletionTokens">Tokens of the replies.</param>
/// <param name="TotalTokens">Both together.</param>
/// <param name="EstimatedTokens">Those of both kinds that were counted here because a model gave no figures.</param>
/// <param name="Cost">By the operator's prices of now; null where one of the models has none.</param>
/// <param name="Currency">Of the costs; null where no prices are known.</param>
/// <param name="Models">The same for each model.</param>
public sealed record SessionUsageResponse(
    Guid SessionId, int Replies, long PromptTokens, long CompletionTokens, long TotalTokens, long EstimatedTokens, decimal? Cost, string? Currency,
    IReadOnlyList<ModelUsageResponse> Models);

/// <summary>What the replies of one model did cost.</summary>
/// <param name="Model">The model, as it names itself; null where it does not.</param>
/// <param name="Replies">How many replies.</param>
/// <param name="PromptTokens">Tokens of all that was sent to it.</param>
/// <param name="CompletionTokens">Tokens of its replies.</param>
/// <param name="TotalTokens">Both together.</param>
/// <param name="EstimatedTokens">Those of both kinds that were counted here because it gave no figures.</param>
/// <param name="Cost">By the operator's prices of now; null where it has none.</param>
public sealed record ModelUsageResponse(
    string? Model, int Replies, long PromptTokens, long CompletionTokens, long TotalTokens, long EstimatedTokens, decimal? Cost);
