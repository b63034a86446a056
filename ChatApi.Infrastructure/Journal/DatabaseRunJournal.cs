using System.Text.Json;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using ChatApi.Infrastructure.Persistence;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Journal;

/// <summary>
/// The journal as a table, a row for what a run has said between two writes. Each call is one statement for all runs, which
/// travel as one JSON parameter: so it is the same through every pooler, and for SQLite.
/// </summary>
internal sealed class DatabaseRunJournal<TContext>(IDbContextFactory<TContext> contexts, JournalSql sql) : IRunJournal
    where TContext : ChatDbContext
{
    public TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(200);

    public async Task<IReadOnlySet<Guid>> AppendAsync(IReadOnlyList<JournalEntry> entries, CancellationToken cancellationToken)
    {
        var rows = ScratchJson.Write(entries, static (json, entries) => WriteRows(json, entries));
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        return await db.WriteAsync(
            () => db.Database.CreateExecutionStrategy().ExecuteAsync(cancellation => AppendAsync(db, rows, cancellation), cancellationToken),
            cancellationToken);
    }

    public async Task<IReadOnlyList<JournalEntry>> ReadAsync(IReadOnlyCollection<RunCursor> cursors, CancellationToken cancellationToken)
    {
        var wanted = JsonSerializer.Serialize(cursors.Select(cursor => new { run = cursor.RunId, after = cursor.After }));
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await db.Set<JournalRow>().FromSqlRaw(sql.Read, wanted).ToListAsync(cancellationToken);
        return rows.ConvertAll(row => new JournalEntry(row.RunId, 0, row.After, row.Pieces, row.Text, row.PieceLengths));
    }

    /// <summary>Nothing to seal: who takes a run over raises its fencing number, which each write is held against.</summary>
    public async Task<SealedJournal> SealAsync(Guid runId, int fence, CancellationToken cancellationToken) =>
        new(await ReadAsync([new RunCursor(runId, 0)], cancellationToken));

    public async Task RemoveAsync(IReadOnlyCollection<Guid> runIds, CancellationToken cancellationToken)
    {
        if (runIds.Count == 0)
            return;
        var ids = runIds.ToList();
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await db.WriteAsync(
            () => db.Set<JournalRow>().Where(row => ids.Contains(row.RunId)).ExecuteDeleteAsync(cancellationToken), cancellationToken);
    }

    public async Task CleanAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await db.WriteAsync(
            () => db.Set<JournalRow>()
                .Where(row => !db.Runs.Any(run => run.Id == row.RunId && run.Status == RunStatus.Running))
                .ExecuteDeleteAsync(cancellationToken),
            cancellationToken);
    }

    /// <summary>By a command of the driver's: EF Core copies each row that a statement with retries returns, five times a second for all that is said.</summary>
    private async Task<IReadOnlySet<Guid>> AppendAsync(TContext db, byte[] rows, CancellationToken cancellationToken)
    {
        await db.Database.OpenConnectionAsync(cancellationToken);
        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.CommandText = sql.Append;
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = ("entries", rows);
        command.Parameters.Add(parameter);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var kept = new HashSet<Guid>();
        while (await reader.ReadAsync(cancellationToken))
            kept.Add(reader.GetGuid(0));
        return kept;
    }

    private static void WriteRows(Utf8JsonWriter json, IReadOnlyList<JournalEntry> entries)
    {
        json.WriteStartArray();
        for (var index = 0; index < entries.Count; index++)
        {
            var entry = entries[index];
            json.WriteStartObject();
            json.WriteString("run"u8, entry.RunId);
            json.WriteNumber("fence"u8, entry.Fence);
            json.WriteNumber("after"u8, entry.After);
            json.WriteNumber("pieces"u8, entry.Pieces);
            json.WriteString("text"u8, entry.Text);
            WriteHex(json, "lengths"u8, entry.PieceLengths);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteHex(Utf8JsonWriter json, ReadOnlySpan<byte> name, byte[] bytes)
    {
        Span<byte> few = stackalloc byte[256];
        var hex = bytes.Length * 2 <= few.Length ? few : new byte[bytes.Length * 2];
        Convert.TryToHexString(bytes, hex, out var length);
        json.WriteString(name, hex[..length]);
    }
}
