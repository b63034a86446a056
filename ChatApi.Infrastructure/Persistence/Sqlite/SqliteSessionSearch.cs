using ChatApi.Application.Abstractions;
using ChatApi.Application.Sessions;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence.Sqlite;

/// <summary>Messages by SQLite's full text index; titles, of which one user has few, one by one.</summary>
internal sealed class SqliteSessionSearch(IDbContextFactory<SqliteChatDbContext> contexts) : ISessionSearch
{
    public async Task<IReadOnlyList<SessionHit>> FindAsync(SessionSearch search, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var query = string.Join(' ', search.Words.Select(word => $"\"{word}\"*"));

        // SQLite takes the other columns from the row that has the highest position.
        var hits = await db.Database
            .SqlQuery<Hit>(
                $"""
                SELECT message.session_id AS session_id, message.id AS message_id, max(message.position) AS position
                FROM message_words words
                JOIN message_documents document ON document.id = words.rowid
                JOIN messages message ON message.id = document.message_id
                WHERE message_words MATCH {query} AND message.user_id = {search.UserId}
                GROUP BY message.session_id
                """)
            .ToDictionaryAsync(hit => hit.SessionId, hit => hit.MessageId, cancellationToken);

        var sessions = db.Sessions.Where(session => session.UserId == search.UserId && session.IsArchived == search.Archived);
        if (search.Pinned is { } pinned)
            sessions = sessions.Where(session => session.IsPinned == pinned);
        if (search.After is var (at, id))
            sessions = sessions.Where(session => session.LastMessageAt < at || (session.LastMessageAt == at && session.Id < id));
        var found = new List<SessionHit>(search.Take);
        await foreach (var session in sessions
            .OrderByDescending(session => session.LastMessageAt).ThenByDescending(session => session.Id)
            .Select(session => new { session.Id, session.Title, session.LastMessageAt })
            .AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            var isHit = hits.TryGetValue(session.Id, out var messageId);
            if (!isHit && !SearchText.Matches(session.Title, search.Words))
                continue;
            found.Add(new(session.Id, session.LastMessageAt, isHit ? messageId : null, null));
            if (found.Count == search.Take)
                break;
        }

        var messageIds = found.Select(hit => hit.MessageId).OfType<Guid>().ToList();
        var contents = await db.Messages
            .Where(message => messageIds.Contains(message.Id))
            .ToDictionaryAsync(message => message.Id, message => message.Content, cancellationToken);
        return found.ConvertAll(hit => hit.MessageId is { } message && contents.TryGetValue(message, out var content)
            ? hit with { Content = content }
            : hit with { MessageId = null });
    }

    private sealed record Hit(Guid SessionId, Guid MessageId, int Position);
}
