namespace ChatApi.Infrastructure.Journal;

/// <summary>The statements of <see cref="DatabaseRunJournal{TContext}"/> in one database's words.</summary>
/// <param name="Append">
/// Keeps the entries of runs that go on, whose fencing number is the writer's, and whose lease holds; returns those runs. An entry
/// is written again when the answer got lost: it then has at least what the first had. <c>@entries</c> is JSON in UTF-8.
/// </param>
/// <param name="Read">The rows that end after each cursor, in order. EF Core's <c>{0}</c> is JSON as text.</param>
internal sealed record JournalSql(string Append, string Read)
{
    public static JournalSql Postgres { get; } = new(
        """
        INSERT INTO chat.run_journal AS kept (run_id, after, pieces, text, piece_lengths)
        SELECT run.id, entry.after, entry.pieces, entry.text, decode(entry.lengths, 'hex')
        FROM json_to_recordset(convert_from(@entries, 'UTF8')::json) AS entry(run uuid, fence int, after int, pieces int, text text, lengths text)
        JOIN chat.runs run ON run.id = entry.run AND run.fence = entry.fence AND run.status = 'running' AND run.lease_expires_at > now()
        ON CONFLICT (run_id, after) DO UPDATE SET pieces = excluded.pieces, text = excluded.text, piece_lengths = excluded.piece_lengths
        RETURNING kept.run_id
        """,
        """
        SELECT kept.run_id, kept.after, kept.pieces, kept.text, kept.piece_lengths
        FROM json_to_recordset({0}::json) AS wanted(run uuid, after int)
        JOIN chat.run_journal kept ON kept.run_id = wanted.run AND kept.after + kept.pieces > wanted.after
        ORDER BY kept.run_id, kept.after
        """);

    /// <summary>SQLite keeps UUIDs in capital letters.</summary>
    public static JournalSql Sqlite { get; } = new(
        """
        INSERT INTO run_journal (run_id, after, pieces, text, piece_lengths)
        SELECT run.id, entry.value ->> 'after', entry.value ->> 'pieces', entry.value ->> 'text', unhex(entry.value ->> 'lengths')
        FROM json_each(CAST(@entries AS TEXT)) AS entry
        JOIN runs run ON run.id = upper(entry.value ->> 'run') AND run.fence = entry.value ->> 'fence' AND run.status = 'running'
            AND run.lease_expires_at > strftime('%Y-%m-%d %H:%M:%f', 'now')
        WHERE true
        ON CONFLICT (run_id, after) DO UPDATE SET pieces = excluded.pieces, text = excluded.text, piece_lengths = excluded.piece_lengths
        RETURNING run_id
        """,
        """
        SELECT kept.run_id, kept.after, kept.pieces, kept.text, kept.piece_lengths
        FROM json_each({0}) AS wanted
        JOIN run_journal kept ON kept.run_id = upper(wanted.value ->> 'run') AND kept.after + kept.pieces > wanted.value ->> 'after'
        ORDER BY kept.run_id, kept.after
        """);
}
