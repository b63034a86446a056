using Npgsql;
using NpgsqlTypes;

namespace ChatApi.Bench.Yardsticks;

/// <summary>What was said before, newest first.</summary>
internal readonly record struct FloorMessage(bool IsUser, string Content);

/// <summary>Sessions and messages in two round trips a turn, with prepared statements.</summary>
internal sealed class FloorDatabase : IAsyncDisposable
{
    private const string Schema =
        """
        CREATE TABLE sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE messages (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
            is_user boolean NOT NULL, content text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON messages (session_id, id);
        """;

    private const string History =
        """
        SELECT is_user, content FROM messages
        WHERE session_id = $1 AND EXISTS (SELECT FROM sessions WHERE id = $1 AND user_id = $2)
        ORDER BY id DESC LIMIT 10
        """;

    private const string AddQuestion =
        "INSERT INTO messages (session_id, is_user, content) SELECT id, true, $3 FROM sessions WHERE id = $1 AND user_id = $2";

    private const string AddReply =
        """
        WITH reply AS (INSERT INTO messages (session_id, is_user, content) VALUES ($1, false, $2))
        UPDATE sessions SET updated_at = now() WHERE id = $1
        """;

    private readonly NpgsqlDataSource _source;

    private FloorDatabase(NpgsqlDataSource source) => _source = source;

    public static async Task<FloorDatabase> OpenAsync(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            MaxAutoPrepare = 10,
            AutoPrepareMinUsages = 1,
            NoResetOnClose = true,
        };
        var source = new NpgsqlSlimDataSourceBuilder(settings.ConnectionString).Build();
        await using var command = source.CreateCommand(Schema);
        await command.ExecuteNonQueryAsync();
        return new(source);
    }

    public async Task<Guid> CreateSessionAsync(Guid userId)
    {
        var id = Guid.CreateVersion7();
        await using var command = _source.CreateCommand("INSERT INTO sessions (id, user_id) VALUES ($1, $2)");
        command.Parameters.AddRange(new[] { Uuid(id), Uuid(userId) });
        await command.ExecuteNonQueryAsync();
        return id;
    }

    /// <summary>Checks the owner, reads the history, stores the question: one round trip.</summary>
    public async Task<List<FloorMessage>> AskAsync(Guid sessionId, Guid userId, string question)
    {
        await using var batch = _source.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(History) { Parameters = { Uuid(sessionId), Uuid(userId) } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(AddQuestion) { Parameters = { Uuid(sessionId), Uuid(userId), Text(question) } });
        await using var reader = await batch.ExecuteReaderAsync();
        var history = new List<FloorMessage>(10);
        while (await reader.ReadAsync())
            history.Add(new(reader.GetBoolean(0), reader.GetString(1)));
        await reader.NextResultAsync();
        return batch.BatchCommands[1].RecordsAffected == 1 ? history : throw new InvalidOperationException("Not this user's session.");
    }

    /// <summary>Stores the reply: one round trip.</summary>
    public async Task AnswerAsync(Guid sessionId, string reply)
    {
        await using var command = _source.CreateCommand(AddReply);
        command.Parameters.Add(Uuid(sessionId));
        command.Parameters.Add(Text(reply));
        await command.ExecuteNonQueryAsync();
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static NpgsqlParameter<Guid> Uuid(Guid value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Uuid };

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };
}
