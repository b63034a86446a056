namespace ChatApi.Application.Abstractions;

/// <summary>Finds conversations by words. A port of its own: each database has an index of its own kind for it.</summary>
public interface ISessionSearch
{
    /// <summary>The conversations of which the title, or one message, has all the words; last active first.</summary>
    Task<IReadOnlyList<SessionHit>> FindAsync(SessionSearch search, CancellationToken cancellationToken);
}

/// <summary>What is searched for.</summary>
/// <param name="UserId">Whose conversations.</param>
/// <param name="Words">Beginnings of words, folded by <see cref="Sessions.SearchText"/>; one at least.</param>
/// <param name="Pinned">Only those that are pinned, or only those that are not; null for both.</param>
/// <param name="Archived">Whether those that are archived are wanted, or those that are not.</param>
/// <param name="After">Only what comes after this one in the list; null for its beginning.</param>
/// <param name="Take">How many at most.</param>
public sealed record SessionSearch(
    Guid UserId, IReadOnlyList<string> Words, bool? Pinned, bool Archived, (DateTime At, Guid Id)? After, int Take);

/// <summary>A conversation that was found.</summary>
/// <param name="SessionId">The conversation.</param>
/// <param name="LastMessageAt">Its place in the list.</param>
/// <param name="MessageId">The newest message that has the words; null where only the title has them.</param>
/// <param name="Content">That message's text.</param>
public sealed record SessionHit(Guid SessionId, DateTime LastMessageAt, Guid? MessageId, string? Content);
