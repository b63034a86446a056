using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using ChatApi.Application.Sessions;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace ChatApi.Infrastructure.Persistence.Postgres;

/// <summary>
/// Turns by statements of our own, one for each call, on EF Core's connections and with its retries: what EF Core makes of the same
/// work was most of a turn's cost (docs/decisions/0009). The few turns that leave a branch are left to it.
/// </summary>
internal sealed class PostgresTurnStore(
    NpgsqlDataSource source, IDbContextFactory<PostgresChatDbContext> contexts, EntityTurnStore<PostgresChatDbContext> others) : ITurnStore
{
    private const string Read =
        $"""
        SELECT session.last_position, session.settings,
            (SELECT id FROM chat.messages WHERE session_id = $1 AND is_on_branch AND position < $4 ORDER BY position DESC LIMIT 1),
            latest.id, latest.role = 'user', latest.content,
            NOT session.is_title_chosen AND session.title = '{SessionService.DefaultTitle}', false
        FROM chat.sessions session
        LEFT JOIN LATERAL (
            SELECT message.id, message.position, message.role, message.content FROM chat.messages message
            WHERE message.session_id = session.id AND message.is_on_branch AND message.content <> '' AND message.position < $4
            ORDER BY message.position DESC LIMIT $3) latest ON true
        WHERE session.id = $1 AND session.user_id = $2 AND session.deleted_at IS NULL
        ORDER BY latest.position
        """;

    private const string ReadAndStart =
        $"""
        WITH session AS (
            SELECT id, last_position, settings, NOT is_title_chosen AND title = '{SessionService.DefaultTitle}' AS is_untitled,
                (SELECT id FROM chat.messages WHERE session_id = $1 AND is_on_branch ORDER BY position DESC LIMIT 1) AS last_id
            FROM chat.sessions WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL)
        , latest AS (
            SELECT id, position, role, content FROM chat.messages
            WHERE session_id = $1 AND is_on_branch AND content <> '' AND EXISTS (SELECT FROM session)
            ORDER BY position DESC LIMIT $11)
        , moved AS (
            UPDATE chat.sessions stored SET last_position = stored.last_position + 2, updated_at = $4, last_message_at = $4
            FROM session
            WHERE stored.id = session.id AND stored.last_position = session.last_position AND stored.deleted_at IS NULL AND stored.settings IS NULL
                AND (SELECT coalesce(sum(octet_length(content) + $13), 0) FROM latest) <= $12
            RETURNING stored.id, stored.last_position, session.last_id)
        , said AS (
            INSERT INTO chat.messages (
                id, session_id, user_id, parent_id, position, is_on_branch, has_siblings, role, content, created_at, status, model, metadata, client_id)
            SELECT $5, id, $2, last_id, last_position - 1, true, false, 'user', $6, $4, 'completed', NULL, $14, $15 FROM moved
            UNION ALL
            SELECT $7, id, $2, $5, last_position, true, false, 'assistant', '', $8, 'running', $9, NULL, NULL FROM moved)
        , started AS (
            INSERT INTO chat.runs (
                id, session_id, user_id, user_message_id, message_id, status, owner, fence, stop_requested, created_at, pieces, context_message_ids,
                context_trimmed)
            SELECT $3, id, $2, $5, $7, 'running', $10, 1, false, $4, 0, ARRAY(SELECT id FROM latest ORDER BY position), 0 FROM moved)
        SELECT session.last_position, session.settings, session.last_id, latest.id, latest.role = 'user', latest.content, session.is_untitled,
            EXISTS (SELECT FROM moved)
        FROM session LEFT JOIN latest ON true
        ORDER BY latest.position
        """;

    private const string MoveOn =
        """
        UPDATE chat.sessions SET last_position = $4, updated_at = $5, last_message_at = $5
        WHERE id = $1 AND user_id = $2 AND last_position = $4 - 2 AND deleted_at IS NULL
        """;

    private const string Begin =
        """
        INSERT INTO chat.sessions (
            id, user_id, last_position, created_at, updated_at, last_message_at, title, is_title_chosen, settings, metadata, is_pinned, is_archived,
            client_id)
        VALUES ($1, $2, $4, $5, $5, $5, $20, $21, $22, $23, $24, $25, $26)
        """;

    private const string Say =
        """
        , said AS (
            INSERT INTO chat.messages (
                id, session_id, user_id, parent_id, position, is_on_branch, has_siblings, role, content, created_at, status, model, metadata, client_id)
            SELECT $6, id, $2, $14, $4 - 1, true, false, 'user', $7, $5, 'completed', NULL, $15, $19 FROM session
            UNION ALL
            SELECT $8, id, $2, $6, $4, true, false, 'assistant', '', $9, 'running', $10, NULL, NULL FROM session)
        INSERT INTO chat.runs (
            id, session_id, user_id, user_message_id, message_id, status, owner, fence, stop_requested, idempotency_key, request_hash, created_at,
            pieces, context_message_ids, context_trimmed, context_tokens)
        SELECT $3, id, $2, $6, $8, 'running', $11, 1, false, $12, $13, $5, 0, $16, $17, $18 FROM session
        """;

    private const string StartInSession = $"WITH session AS ({MoveOn} RETURNING id) {Say}";

    private const string StartWithSession = $"WITH session AS ({Begin} RETURNING id) {Say}";

    private const string EndRun =
        """
        WITH run AS (
            UPDATE chat.runs SET status = $3, error_code = $4, ended_at = $5, pieces = $6, piece_lengths = $7
            WHERE id = $1 AND fence = $2 AND status = 'running'
            RETURNING message_id, user_id)
        """;

    private const string EndWithReply =
        $"""
        {EndRun}
        , counted AS (
            INSERT INTO chat.daily_usage AS stored (user_id, day, model, replies, prompt_tokens, completion_tokens, estimated_tokens)
            SELECT user_id, $14, coalesce($10, ''), 1, $11, $12, CASE WHEN $13 THEN $11 + $12 ELSE 0 END FROM run
            ON CONFLICT (user_id, day, model) DO UPDATE SET replies = stored.replies + 1,
                prompt_tokens = stored.prompt_tokens + excluded.prompt_tokens,
                completion_tokens = stored.completion_tokens + excluded.completion_tokens,
                estimated_tokens = stored.estimated_tokens + excluded.estimated_tokens)
        UPDATE chat.messages message SET content = $8, status = $3, finish_reason = $9, model = $10,
            usage_prompt_tokens = $11, usage_completion_tokens = $12, usage_estimated = $13
        FROM run WHERE message.id = run.message_id
        """;

    private const string EndWithoutReply = $"{EndRun} DELETE FROM chat.messages message USING run WHERE message.id = run.message_id";

    private readonly StatementPool _read = new(source, Read);
    private readonly StatementPool _readAndStart = new(source, ReadAndStart);
    private readonly StatementPool _startInSession = new(source, StartInSession);
    private readonly StatementPool _startWithSession = new(source, StartWithSession);
    private readonly StatementPool _endWithReply = new(source, EndWithReply);
    private readonly StatementPool _endWithoutReply = new(source, EndWithoutReply);

    public Task<Conversation?> ReadAsync(Guid userId, Guid sessionId, int before, int messages, CancellationToken cancellationToken) => ReadAsync(
        _read, statement => statement.Uuid(sessionId).Uuid(userId).Integer(messages).Integer(before), messages, cancellationToken);

    public async Task<Conversation?> ReadAndStartAsync(NewTurn turn, int messages, int room)
    {
        var (_, question, reply, run) = turn;
        var tries = 0;
        try
        {
            var conversation = await ReadAsync(
                _readAndStart,
                statement =>
                {
                    tries++;
                    statement
                        .Uuid(run.SessionId).Uuid(run.UserId).Uuid(run.Id).Time(run.CreatedAt)
                        .Uuid(question.Id).Text(question.Content).Uuid(reply.Id).Time(reply.CreatedAt).Text(reply.Model)
                        .Uuid(run.Owner).Integer(messages).Integer(room).Integer(Utterance.Overhead).Text(question.Metadata).Text(question.ClientId);
                },
                messages,
                CancellationToken.None);

            // Another try sees what an earlier one has stored whose answer got lost: the conversation has moved on, or there is no room for the question twice.
            if (tries > 1 && conversation is { IsStarted: false } && await IsStoredAsync(run))
                throw new UniqueViolationException(new DbUpdateConcurrencyException("The turn is stored."));
            return conversation;
        }
        catch (Exception exception) when (DatabaseErrors.IsUniqueViolation(exception))
        {
            throw new UniqueViolationException(exception);
        }
    }

    public async Task StartAsync(NewTurn turn)
    {
        if (turn.LeavesBranchAfter is not null)
        {
            await others.StartAsync(turn);
            return;
        }

        var (session, question, reply, run) = turn;
        try
        {
            await WriteAsync(session is null ? _startInSession : _startWithSession, statement =>
            {
                statement
                    .Uuid(run.SessionId).Uuid(run.UserId).Uuid(run.Id).Integer(reply.Position).Time(run.CreatedAt)
                    .Uuid(question.Id).Text(question.Content).Uuid(reply.Id).Time(reply.CreatedAt).Text(reply.Model)
                    .Uuid(run.Owner).Text(run.IdempotencyKey).Bytes(run.RequestHash).Value(question.ParentId, NpgsqlDbType.Uuid)
                    .Text(question.Metadata).Value(run.ContextMessageIds, NpgsqlDbType.Array | NpgsqlDbType.Uuid).Integer(run.ContextTrimmed)
                    .Value(run.ContextTokens, NpgsqlDbType.Integer).Text(question.ClientId);
                if (session is not null)
                    statement
                        .Text(session.Title).Boolean(session.IsTitleChosen).Text(SettingsJson.Write(session.Settings)).Text(session.Metadata)
                        .Boolean(session.IsPinned).Boolean(session.IsArchived).Text(session.ClientId);
            });
        }
        catch (Exception exception) when (DatabaseErrors.IsUniqueViolation(exception))
        {
            throw new UniqueViolationException(exception);
        }
    }

    public Task EndAsync(Run run, ChatMessage reply, bool isKept, Guid? shownBefore) => !isKept && reply.HasSiblings
        ? others.EndAsync(run, reply, isKept, shownBefore)
        : WriteAsync(isKept ? _endWithReply : _endWithoutReply, statement =>
    {
        statement
            .Uuid(run.Id).Integer(run.Fence).Text(LowerCase.Of(run.Status)).Text(run.ErrorCode).Time(run.EndedAt!.Value)
            .Integer(run.Pieces).Bytes(run.PieceLengths);
        if (isKept)
            statement
                .Text(reply.Content).Text(reply.FinishReason).Text(reply.Model).Integer(reply.Usage!.PromptTokens)
                .Integer(reply.Usage.CompletionTokens).Boolean(reply.Usage.Estimated)
                .Value(DateOnly.FromDateTime(run.CreatedAt), NpgsqlDbType.Date);
    });

    private Task<Conversation?> ReadAsync(
        StatementPool statements, Action<StatementPool.Statement> fill, int messages, CancellationToken cancellationToken) => ExecuteAsync(
        async cancellation =>
        {
            var statement = statements.Rent();
            fill(statement);
            Conversation? conversation;
            await using (var reader = await statement.Command.ExecuteReaderAsync(cancellation))
                conversation = await ReadAsync(reader, messages, cancellation);
            statement.Return();
            return conversation;
        },
        cancellationToken);

    private static async Task<Conversation?> ReadAsync(NpgsqlDataReader reader, int messages, CancellationToken cancellationToken)
    {
        if (!await reader.ReadAsync(cancellationToken))
            return null;
        var last = reader.GetInt32(0);
        var settings = reader.IsDBNull(1) ? null : SettingsJson.Read(reader.GetString(1));
        var lastId = reader.IsDBNull(2) ? (Guid?)null : reader.GetGuid(2);
        var (isUntitled, isStarted) = (reader.GetBoolean(6), reader.GetBoolean(7));
        var history = new List<Utterance>(messages);
        do
        {
            if (!reader.IsDBNull(3))
                history.Add(new(reader.GetGuid(3), reader.GetBoolean(4) ? MessageRole.User : MessageRole.Assistant, reader.GetString(5)));
        }
        while (await reader.ReadAsync(cancellationToken));
        return new Conversation(last, settings, lastId, history) { IsUntitled = isUntitled, IsStarted = isStarted };
    }

    private async Task<bool> IsStoredAsync(Run run)
    {
        await using var db = contexts.CreateDbContext();
        return await db.Runs.AnyAsync(stored => stored.Id == run.Id);
    }

    /// <summary>Executes one statement; that it changed nothing is an error.</summary>
    private Task<bool> WriteAsync(StatementPool statements, Action<StatementPool.Statement> fill) => ExecuteAsync(
        async cancellation =>
        {
            var statement = statements.Rent();
            fill(statement);
            var rows = await statement.Command.ExecuteNonQueryAsync(cancellation);
            statement.Return();
            return rows > 0
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
}
