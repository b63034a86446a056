using System.Text.Json;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;

namespace ChatApi.Application.Transfers;

/// <summary>Takes conversations in, of ChatApi's own exports or of ChatGPT's: all of a file, or nothing.</summary>
public sealed class ImportService(IChatDbContextFactory contexts, OwnFormat own, TimeProvider time)
{
    private const int RowsAtATime = 500;

    /// <summary>Reads the whole file, and stores it if there is nothing wrong with it.</summary>
    /// <exception cref="InvalidRequestException">Something is, and it is said what and where.</exception>
    public async Task<ImportResponse> ImportAsync(Guid userId, ImportRequest request, CancellationToken cancellationToken)
    {
        await PollingThread.LeaveAsync();
        var file = Field.Root(request.File);
        var imported = request.File.ValueKind == JsonValueKind.Array
            ? ChatGptFormat.Read(file, userId, time.Now())
            : own.Read(file, userId, time.Now());
        await StoreAsync(imported, cancellationToken);
        return new(imported.Count, imported.Sum(session => session.Messages.Count), [.. imported.Select(session => session.Session.Id)]);
    }

    private async Task StoreAsync(List<ImportedSession> imported, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        await db.InTransactionAsync(
            async () =>
            {
                foreach (var sessions in imported.Select(session => session.Session).Chunk(RowsAtATime))
                    await AddAsync(db, () => db.Sessions.AddRange(sessions), cancellationToken);
                foreach (var messages in imported.SelectMany(session => session.Messages).Chunk(RowsAtATime))
                    await AddAsync(db, () => db.Messages.AddRange(messages), cancellationToken);
            },
            cancellationToken);
    }

    private static async Task AddAsync(IChatDbContext db, Action add, CancellationToken cancellationToken)
    {
        add();
        await db.SaveChangesAsync(cancellationToken);
        db.Forget();
    }
}
