namespace ChatApi.Application.Accounts;

/// <summary>What deletes one's own account: a token alone, which may have been stolen, is not enough.</summary>
/// <param name="Password">The account's password.</param>
public sealed record DeleteAccountRequest(string? Password);
