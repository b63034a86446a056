using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Npgsql;

namespace ChatApi.Bench.Load;

/// <summary>
/// Sessions in which so much has been said before. They are filled past ChatApi, in its tables, and shortened to that length again
/// before each measurement, so that they do not grow from one to the next.
/// </summary>
/// <param name="addresses">Of ChatApi.</param>
/// <param name="database">A connection to its database.</param>
/// <param name="length">How many messages.</param>
internal sealed class HistoryTarget(IReadOnlyList<Uri> addresses, string database, int length) : ChatTarget(addresses)
{
    private const string Text = "Something was said, and it was neither short nor long: message ";

    private const string Fill =
        $"""
        INSERT INTO chat.messages (id, session_id, position, role, content, created_at, status, finish_reason, model)
        SELECT gen_random_uuid(), session.id, n, CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, '{Text}' || n,
            session.created_at - (($2 - n) * interval '1 second'), 'completed', CASE n % 2 WHEN 0 THEN 'stop' END, CASE n % 2 WHEN 0 THEN 'gpt-4o-mini' END
        FROM chat.sessions session, generate_series(1, $2) n WHERE session.id = ANY($1) AND session.last_position = 0
        """;

    private const string Shorten =
        """
        WITH runs AS (DELETE FROM chat.runs WHERE session_id = ANY($1)),
            messages AS (DELETE FROM chat.messages WHERE session_id = ANY($1) AND position > $2)
        UPDATE chat.sessions SET last_position = $2 WHERE id = ANY($1)
        """;

    private const string Count = "SELECT count(*) FROM chat.messages WHERE session_id = ANY($1)";

    private Guid[] SessionIds => [.. Users.Select(user => Guid.Parse(user.SessionId))];

    public override async Task PrepareAsync(int users)
    {
        await base.PrepareAsync(users);
        await using var source = NpgsqlDataSource.Create(database);
        foreach (var sql in new[] { Fill, Shorten })
        {
            await using var command = Command(source, sql);
            command.CommandTimeout = 300;
            command.Parameters.Add(new() { Value = length });
            await command.ExecuteNonQueryAsync();
        }

        // What autovacuum would do in its own time, or in the midst of a measurement.
        await using var tidy = source.CreateCommand("VACUUM ANALYZE chat.messages, chat.runs, chat.sessions");
        await tidy.ExecuteNonQueryAsync();
    }

    /// <summary>Whether the sessions hold what was there and what was said since, and ChatApi sees it.</summary>
    /// <param name="turns">Since the preparation, in each session.</param>
    /// <exception cref="WrongReplyException">They do not.</exception>
    public async Task CheckAsync(int turns)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = Command(source, Count);
        var (expected, actual) = (Users.Count * (length + (2L * turns)), (long)(await command.ExecuteScalarAsync())!);
        if (actual != expected)
            throw new WrongReplyException($"{Users.Count} sessions hold {actual} messages instead of {expected}.");
        foreach (var (token, sessionId) in Users)
            await CheckAsync(token, sessionId);
    }

    private async Task CheckAsync(string token, string sessionId)
    {
        var wanted = Math.Min(length, 200);
        using var client = new HttpClient { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var messages = await JsonDocument.ParseAsync(await client.GetStreamAsync(
            string.Create(CultureInfo.InvariantCulture, $"/api/chat/sessions/{sessionId}/messages?limit={wanted}")));
        var texts = messages.RootElement.EnumerateArray().Select(message => message.GetProperty("content").GetString());
        if (!texts.SequenceEqual(Enumerable.Range(1, wanted).Select(n => string.Create(CultureInfo.InvariantCulture, $"{Text}{n}"))))
            throw new WrongReplyException("ChatApi does not show what the session was filled with.");
    }

    private NpgsqlCommand Command(NpgsqlDataSource source, string sql)
    {
        var command = source.CreateCommand(sql);
        command.Parameters.Add(new() { Value = SessionIds });
        return command;
    }
}
