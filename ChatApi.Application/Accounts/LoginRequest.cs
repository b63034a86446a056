namespace ChatApi.Application.Accounts;

/// <summary>What signs in. Whatever is wrong with it, the answer is the same: it is not said which part.</summary>
/// <param name="Email">The address; upper and lower case are the same.</param>
/// <param name="Password">The password.</param>
public sealed record LoginRequest(string? Email, string? Password);
