using ChatApi.Application.Configuration;

namespace ChatApi.Application.Limits;

/// <summary>How much may be used. 0 switches a limit off.</summary>
/// <param name="RequestsPerMinute">Requests per user, or per address where nobody is signed in (<c>CHAT_LIMIT_REQUESTS_PER_MINUTE</c>).</param>
/// <param name="AddressRequestsPerMinute">Requests per address of all who are signed in (<c>CHAT_LIMIT_ADDRESS_REQUESTS_PER_MINUTE</c>).</param>
/// <param name="TurnsPerMinute">Questions per user (<c>CHAT_LIMIT_TURNS_PER_MINUTE</c>).</param>
/// <param name="ConcurrentRuns">Replies in the making per user (<c>CHAT_LIMIT_CONCURRENT_RUNS</c>).</param>
/// <param name="RunsPerProcess">Replies in the making in one process (<c>CHAT_LIMIT_RUNS_PER_PROCESS</c>).</param>
/// <param name="TokensPerDay">Tokens per user and day, UTC (<c>CHAT_LIMIT_TOKENS_PER_DAY</c>).</param>
/// <param name="SignInsPerMinute">Attempts to sign in per address (<c>CHAT_LIMIT_SIGN_INS_PER_MINUTE</c>).</param>
public sealed record LimitOptions(
    int RequestsPerMinute, int AddressRequestsPerMinute, int TurnsPerMinute, int ConcurrentRuns, int RunsPerProcess, int TokensPerDay,
    int SignInsPerMinute)
{
    private const int Most = 1_000_000;

    /// <summary>How many busy users may share an address: a household, an office.</summary>
    private const int UsersPerAddress = 10;

    /// <exception cref="ConfigurationException">A value is out of its range.</exception>
    public static LimitOptions Read(Settings settings)
    {
        var requests = settings.Integer("CHAT_LIMIT_REQUESTS_PER_MINUTE", 600, 0, Most);
        return new(
            requests,
            settings.Integer("CHAT_LIMIT_ADDRESS_REQUESTS_PER_MINUTE", requests * UsersPerAddress, 0, Most * UsersPerAddress),
            settings.Integer("CHAT_LIMIT_TURNS_PER_MINUTE", 60, 0, Most),
            settings.Integer("CHAT_LIMIT_CONCURRENT_RUNS", 8, 0, Most),
            settings.Integer("CHAT_LIMIT_RUNS_PER_PROCESS", 0, 0, Most),
            settings.Integer("CHAT_LIMIT_TOKENS_PER_DAY", 0, 0, int.MaxValue),
            settings.Integer("CHAT_LIMIT_SIGN_INS_PER_MINUTE", 10, 0, Most));
    }
}
