using ChatApi.Application.Configuration;

namespace ChatApi.Application.Limits;

/// <summary>How much a user may use. 0 switches a limit off.</summary>
/// <param name="RequestsPerMinute">Requests per user, or per address where nobody is signed in (<c>CHAT_LIMIT_REQUESTS_PER_MINUTE</c>).</param>
/// <param name="TurnsPerMinute">Questions per user (<c>CHAT_LIMIT_TURNS_PER_MINUTE</c>).</param>
/// <param name="ConcurrentRuns">Replies in the making per user (<c>CHAT_LIMIT_CONCURRENT_RUNS</c>).</param>
/// <param name="TokensPerDay">Tokens per user and day, UTC (<c>CHAT_LIMIT_TOKENS_PER_DAY</c>).</param>
/// <param name="SignInsPerMinute">Attempts to sign in per address, and per account (<c>CHAT_LIMIT_SIGN_INS_PER_MINUTE</c>).</param>
public sealed record LimitOptions(int RequestsPerMinute, int TurnsPerMinute, int ConcurrentRuns, int TokensPerDay, int SignInsPerMinute)
{
    /// <exception cref="ConfigurationException">A value is out of its range.</exception>
    public static LimitOptions Read(Settings settings) => new(
        settings.Integer("CHAT_LIMIT_REQUESTS_PER_MINUTE", 600, 0, 1_000_000),
        settings.Integer("CHAT_LIMIT_TURNS_PER_MINUTE", 60, 0, 1_000_000),
        settings.Integer("CHAT_LIMIT_CONCURRENT_RUNS", 8, 0, 1_000_000),
        settings.Integer("CHAT_LIMIT_TOKENS_PER_DAY", 0, 0, int.MaxValue),
        settings.Integer("CHAT_LIMIT_SIGN_INS_PER_MINUTE", 10, 0, 1_000_000));
}
