using System.Linq.Expressions;
using ChatApi.Domain;

namespace ChatApi.Application.Shares;

/// <summary>How a conversation is to be shared.</summary>
/// <param name="ExpiresInDays">When the link stops to work, 1 to 3650; never if absent.</param>
public sealed record CreateShareRequest(int? ExpiresInDays);

/// <summary>A link to what a conversation said. The link itself is shown once, when it is made: only its hash is kept.</summary>
/// <param name="Id">UUID; names the share to its owner, and opens nothing.</param>
/// <param name="SessionId">The conversation.</param>
/// <param name="Title">Its title when it was shared.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="ExpiresAt">When the link stops to work, UTC; null for never.</param>
public sealed record ShareResponse(Guid Id, Guid SessionId, string Title, DateTime CreatedAt, DateTime? ExpiresAt)
{
    /// <summary>For queries: the snapshot may be large, and is not read.</summary>
    internal static Expression<Func<Share, ShareResponse>> Projection { get; } =
        share => new ShareResponse(share.Id, share.SessionId, share.Title, share.CreatedAt, share.ExpiresAt);

    private static readonly Func<Share, ShareResponse> Describe = Projection.Compile();

    internal static ShareResponse From(Share share) => Describe(share);
}

/// <summary>A share that was just made.</summary>
/// <param name="Id">UUID; names the share to its owner, and opens nothing.</param>
/// <param name="SessionId">The conversation.</param>
/// <param name="Title">Its title.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="ExpiresAt">When the link stops to work, UTC; null for never.</param>
/// <param name="Token">What opens it; it is told this once.</param>
/// <param name="Url">The page that shows it.</param>
public sealed record NewShareResponse(Guid Id, Guid SessionId, string Title, DateTime CreatedAt, DateTime? ExpiresAt, string Token, string Url);

/// <summary>What was shared, for whoever has the link: nothing of its owner but the text.</summary>
/// <param name="Title">1 to 200 characters.</param>
/// <param name="CreatedAt">When it was shared, UTC.</param>
/// <param name="Messages">The branch as it was shown then, oldest first.</param>
public sealed record SharedResponse(string Title, DateTime CreatedAt, IReadOnlyList<SharedMessage> Messages);

/// <summary>A message of what was shared.</summary>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text.</param>
/// <param name="CreatedAt">UTC.</param>
public sealed record SharedMessage(MessageRole Role, string Content, DateTime CreatedAt);
