using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace ChatApi.Infrastructure.Persistence.Postgres;

/// <summary>
/// Turns by statements of our own, one for each call, on EF Core's connections and with its retries: what EF Core makes of the same
/// work was most of a turn's cost (docs/decisions/0009).
/// </summary>
internal sealed class PostgresTurnStore(NpgsqlDataSource source, IDbContextFactory<PostgresChatDbContext> contexts) : ITurnStore
{
    private const string Read =
        """
        SELECT session.last_position, latest.role = 'user', latest.content
        FROM chat.sessions session
        LEFT JOIN LATERAL (
            SELECT message.position, message.role, message.content FROM chat.messages message
            WHERE message.session_id = session.id AND message.content <> ''
            ORDER BY message.position DESC LIMIT $3) latest ON true
        WHERE session.id = $1 AND session.user_id = $2
        ORDER BY latest.position
        """;

    private const string MoveOn =
        """
        UPDATE chat.sessions SET last_position = $4, updated_at = $5, last_message_at = $5
        WHERE id = $1 AND user_id = $2 AND last_position = $4 - 2
        """;

    private const string Begin =
        """
        INSERT INTO chat.sessions (id, user_id, last_position, created_at, updated_at, last_message_at, title)
        VALUES ($1, $2, $4, $5, $5, $5, $14)
        """;

    private const string Say =
        """
        , said AS (
            INSERT INTO chat.messages (id, session_id, position, role, content, created_at, status, model)
            SELECT $6, id, $4 - 1, 'user', $7, $5, 'completed', NULL FROM session
            UNION ALL
            SELECT $8, id, $4, 'assistant', '', $9, 'running', $10 FROM session)
        INSERT INTO chat.runs (
            id, session_id, user_id, user_message_id, message_id, status, owner, fence, stop_requested, idempotency_key, request_hash, created_at, pieces)
        SELECT $3, id, $2, $6, $8, 'running', $11, 1, false, $12, $13, $5, 0 FROM session
        """;

    private const string StartInSession = $"WITH session AS ({MoveOn} RETURNING id) {Say}";

    private const string StartWithSession = $"WITH session AS ({Begin} RETURNING id) {Say}";

    private const string EndRun =
        """
        WITH run AS (
            UPDATE chat.runs SET status = $3, error_code = $4, ended_at = $5, pieces = $6, piece_lengths = $7
            WHERE id = $1 AND fence = $2 AND status = 'running'
            RETURNING message_id)
        """;

    private const string EndWithReply =
        $"""
        {EndRun}
        UPDATE chat.messages message SET content = $8, status = $3, finish_reason = $9, model = $10,
            usage_prompt_tokens = $11, usage_completion_tokens = $12, usage_estimated = $13
        FROM run WHERE message.id = run.message_id
        """;

    private const string EndWithoutReply = $"{EndRun} DELETE FROM chat.messages message USING run WHERE message.id = run.message_id";

    public Task<Conversation?> ReadAsync(Guid userId, Guid sessionId, int messages, CancellationToken cancellationToken) => ExecuteAsync(
        async cancellation =>
        {
            await using var command = source.CreateCommand(Read);
            Add(command, Uuid(sessionId), Uuid(userId), Integer(messages));
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            if (!await reader.ReadAsync(cancellation))
                return null;
            var last = reader.GetInt32(0);
            var history = new List<Utterance>();
            do
            {
                if (!reader.IsDBNull(2))
                    history.Add(new(reader.GetBoolean(1) ? MessageRole.User : MessageRole.Assistant, reader.GetString(2)));
            }
            while (await reader.ReadAsync(cancellation));
            return new Conversation(last, history);
        },
        cancellationToken);

    public async Task StartAsync(NewTurn turn)
    {
        var (session, question, reply, run) = turn;
        try
        {
            await WriteAsync(session is null ? StartInSession : StartWithSession, command =>
            {
                Add(
                    command, Uuid(run.SessionId), Uuid(run.UserId), Uuid(run.Id), Integer(reply.Position), Time(run.CreatedAt),
                    Uuid(question.Id), Text(question.Content), Uuid(reply.Id), Time(reply.CreatedAt), Text(reply.Model),
                    Uuid(run.Owner), Text(run.IdempotencyKey), Bytes(run.RequestHash));
                if (session is not null)
                    Add(command, Text(session.Title));
            });
        }
        catch (Exception exception) when (DatabaseErrors.IsUniqueViolation(exception))
        {
            throw new UniqueViolationException(exception);
        }
    }

    public Task EndAsync(Run run, ChatMessage reply, bool isKept) => WriteAsync(isKept ? EndWithReply : EndWithoutReply, command =>
    {
        Add(
            command, Uuid(run.Id), Integer(run.Fence), Text(LowerCase.Of(run.Status)), Text(run.ErrorCode), Time(run.EndedAt!.Value),
            Integer(run.Pieces), Bytes(run.PieceLengths));
        if (isKept)
            Add(
                command, Text(reply.Content), Text(reply.FinishReason), Text(reply.Model), Integer(reply.Usage!.PromptTokens),
                Integer(reply.Usage.CompletionTokens), new NpgsqlParameter<bool> { TypedValue = reply.Usage.Estimated });
    });

    /// <summary>Executes one statement; that it changed nothing is an error.</summary>
    private Task<bool> WriteAsync(string sql, Action<NpgsqlCommand> fill) => ExecuteAsync(
        async cancellation =>
        {
            await using var command = source.CreateCommand(sql);
            fill(command);
            return await command.ExecuteNonQueryAsync(cancellation) > 0
                ? true
                : throw new DbUpdateConcurrencyException("A row is not as it was read.");
        },
        CancellationToken.None);

    /// <summary>Where it is worth it, EF Core tries again; the first time costs none of what that takes.</summary>
    private async Task<T> ExecuteAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException { IsTransient: true } or TimeoutException)
        {
            await using var db = contexts.CreateDbContext();
            return await db.Database.CreateExecutionStrategy().ExecuteAsync(work, cancellationToken);
        }
    }

    private static void Add(NpgsqlCommand command, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
    }

    private static NpgsqlParameter<Guid> Uuid(Guid value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Uuid };

    private static NpgsqlParameter<int> Integer(int value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Integer };

    private static NpgsqlParameter<DateTime> Time(DateTime value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    private static NpgsqlParameter<string?> Text(string? value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter<byte[]?> Bytes(byte[]? value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bytea };
}
