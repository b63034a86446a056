using ChatApi.Application.Abstractions;
using Npgsql;
using NpgsqlTypes;

namespace ChatApi.Infrastructure.Persistence.Postgres;

/// <summary>
/// Searches in one of two ways, which find the same. Of a word that most conversations have, the newest ones are looked through until the
/// page is full: the index would name hundreds of thousands of messages, of which fifty are wanted. Of any other, the index names the
/// messages: those of the newest few hundred conversations, and only where they do not fill the page those of all. A look at the newest few
/// conversations tells which kind of word it is, as no statistics of the planner's do.
/// </summary>
internal sealed class PostgresSessionSearch(NpgsqlDataSource source) : ISessionSearch
{
    /// <summary>How many conversations are looked at first.</summary>
    private const int SampleSize = 8;

    /// <summary>How many of each one's messages.</summary>
    private const int SampleDepth = 200;

    /// <summary>From how many hits among them on a word is common.</summary>
    private const int CommonFrom = 6;

    /// <summary>For how many conversations the index is asked before it is for all. A word that does not fill a page from so many has few hits in all.</summary>
    private const int NearSize = 256;

    private const string Wanted =
        """
        session.user_id = $1 AND session.deleted_at IS NULL AND session.is_archived = $2 AND ($3::boolean IS NULL OR session.is_pinned = $3)
            AND (session.last_message_at, session.id) < ($4, $5)
        """;

    private const string HasWords = "title ~ ALL($8) AND ts_match_vq(chat.search_words(user_id, title), normalize($7, NFD)::tsquery)";

    /// <summary>The condition is a function and not <c>@@</c>, for which the planner would take the index; expressions filter first.</summary>
    private const string Newest =
        """
        SELECT message.id, message.content FROM chat.messages message
        WHERE message.session_id = session.id AND message.position > session.last_position - $9 AND message.content <> ''
            AND message.content ~ ALL($8) AND ts_match_vq(chat.search_words(message.user_id, message.content), normalize($7, NFD)::tsquery)
        ORDER BY message.position DESC LIMIT 1
        """;

    private const string LookAtFirst =
        $"""
        SELECT session.id, session.last_message_at, hit.id, hit.content, {HasWords}, session.last_position <= $9
        FROM (
            SELECT * FROM chat.sessions session WHERE {Wanted} ORDER BY session.last_message_at DESC, session.id DESC LIMIT $6) session
        LEFT JOIN LATERAL ({Newest}) hit ON true
        ORDER BY session.last_message_at DESC, session.id DESC
        """;

    private const string LookThrough =
        $"""
        SELECT session.id, session.last_message_at, hit.id, hit.content
        FROM chat.sessions session LEFT JOIN LATERAL ({Newest}) hit ON true
        WHERE {Wanted} AND (hit.id IS NOT NULL OR {HasWords})
        ORDER BY session.last_message_at DESC, session.id DESC LIMIT $6
        """;

    private const string InIndex =
        """
        SELECT message.session_id, message.id, message.position FROM chat.messages message
        WHERE chat.search_words(message.user_id, message.content) @@ normalize($7, NFD)::tsquery AND message.content <> ''
        """;

    /// <summary>The list is walked in its order until the page is full, so that titles are looked at, and hits sorted, only as far as it goes.</summary>
    private const string Page =
        $"""
        (session.id IN (SELECT session_id FROM hit) OR {HasWords})
            ORDER BY session.last_message_at DESC, session.id DESC LIMIT $6),
        newest AS (
            SELECT DISTINCT ON (hit.session_id) hit.session_id, hit.id FROM hit JOIN found ON found.id = hit.session_id
            ORDER BY hit.session_id, hit.position DESC)
        SELECT found.id, found.last_message_at, newest.id, (SELECT content FROM chat.messages WHERE id = newest.id)
        FROM found LEFT JOIN newest ON newest.session_id = found.id
        ORDER BY found.last_message_at DESC, found.id DESC
        """;

    /// <summary>An array, and no join: the planner lays what two indexes say upon one another, and fetches no message of another conversation.</summary>
    private const string AskIndexForNear =
        $"""
        WITH near AS MATERIALIZED (
            SELECT session.id, session.user_id, session.title, session.last_message_at FROM chat.sessions session WHERE {Wanted}
            ORDER BY session.last_message_at DESC, session.id DESC LIMIT $9),
        hit AS MATERIALIZED ({InIndex} AND message.session_id = ANY(ARRAY(SELECT id FROM near))),
        found AS (
            SELECT session.id, session.last_message_at FROM near session WHERE {Page}
        """;

    private const string AskIndex =
        $"""
        WITH hit AS MATERIALIZED ({InIndex} AND message.user_id = $1),
        found AS (
            SELECT session.id, session.last_message_at FROM chat.sessions session WHERE {Wanted} AND {Page}
        """;

    public async Task<IReadOnlyList<SessionHit>> FindAsync(SessionSearch search, CancellationToken cancellationToken)
    {
        var (first, isCommon) = await LookAtFirstAsync(search, cancellationToken);
        if (first is not null)
            return first;
        if (isCommon)
            return await FindAsync(LookThrough, search, cancellationToken, int.MaxValue);
        var near = await FindAsync(AskIndexForNear, search, cancellationToken, NearSize);
        return near.Count >= search.Take ? near : await FindAsync(AskIndex, search, cancellationToken);
    }

    private async Task<List<SessionHit>> FindAsync(string sql, SessionSearch search, CancellationToken cancellationToken, int? most = null)
    {
        await using var command = Command(sql, search, search.Take);
        if (most is { } number)
            Add(command, number, NpgsqlDbType.Integer);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var hits = new List<SessionHit>(search.Take);
        while (await reader.ReadAsync(cancellationToken))
            hits.Add(Hit(reader));
        return hits;
    }

    /// <returns>All there is to be found, where that can be told; and whether the words are common.</returns>
    private async Task<(IReadOnlyList<SessionHit>? Found, bool IsCommon)> LookAtFirstAsync(SessionSearch search, CancellationToken cancellationToken)
    {
        await using var command = Command(LookAtFirst, search, SampleSize);
        Add(command, SampleDepth, NpgsqlDbType.Integer);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (hits, seen, isAll) = (new List<SessionHit>(), 0, true);
        for (; await reader.ReadAsync(cancellationToken); seen++)
        {
            var (hit, isInTitle, isWhole) = (Hit(reader), reader.GetBoolean(4), reader.GetBoolean(5));
            if (hit.MessageId is not null || isInTitle)
                hits.Add(hit);
            isAll &= isWhole || hit.MessageId is not null;
        }

        if (isAll && (seen < SampleSize || hits.Count >= search.Take))
            return ([.. hits.Take(search.Take)], false);
        return (null, hits.Count >= CommonFrom);
    }

    private static SessionHit Hit(NpgsqlDataReader reader) => new(
        reader.GetGuid(0), reader.GetDateTime(1), reader.IsDBNull(2) ? null : reader.GetGuid(2), reader.IsDBNull(3) ? null : reader.GetString(3));

    private NpgsqlCommand Command(string sql, SessionSearch search, int take)
    {
        var (at, id) = search.After ?? (DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc), Guid.AllBitsSet);
        var command = source.CreateCommand(sql);
        Add(command, search.UserId, NpgsqlDbType.Uuid);
        Add(command, search.Archived, NpgsqlDbType.Boolean);
        Add(command, search.Pinned, NpgsqlDbType.Boolean);
        Add(command, at, NpgsqlDbType.TimestampTz);
        Add(command, id, NpgsqlDbType.Uuid);
        Add(command, take, NpgsqlDbType.Integer);
        Add(command, Query(search), NpgsqlDbType.Text);
        Add(command, search.Words.Select(SearchPattern.Of).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text);
        return command;
    }

    private static void Add<T>(NpgsqlCommand command, T value, NpgsqlDbType type) =>
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });

    /// <summary>Decomposed there, as the index is. Each word of it begins with the end of its owner's id: no other user's are walked for a beginning of a word.</summary>
    private static string Query(SessionSearch search)
    {
        var owner = search.UserId.ToString()[^8..];
        return string.Join(" & ", search.Words.Select(word => $"'{owner}{word}':*"));
    }
}
