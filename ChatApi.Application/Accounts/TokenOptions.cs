namespace ChatApi.Application.Accounts;

/// <summary>What ChatApi's own tokens are signed with, and how long they last.</summary>
/// <param name="Key">The HS256 key, 32 bytes or more; secret.</param>
public sealed record TokenOptions(byte[] Key)
{
    /// <summary>The <c>iss</c> of ChatApi's own tokens. The old service's had none.</summary>
    public const string Issuer = "chatapi";

    /// <summary>How long a token of ChatApi's own lasts.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);
}
