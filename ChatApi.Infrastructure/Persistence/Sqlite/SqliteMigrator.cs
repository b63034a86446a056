using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence.Sqlite;

/// <summary>
/// EF's own lock for SQLite is a row, which a process that was killed leaves behind: the next start then waits for ever. So
/// the processes stand in line at a file that the operating system unlocks, and whoever is first removes such a row.
/// </summary>
internal sealed class SqliteMigrator(IDbContextFactory<SqliteChatDbContext> contexts, TimeProvider time) : IDatabaseMigrator
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        var path = Path.GetFullPath(new SqliteConnectionStringBuilder(context.Database.GetConnectionString()).DataSource);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (File.Exists(path) && !await IsBehindAsync(cancellationToken))
            return;

        await using var turn = await TakeTurnAsync(path + ".migrating", cancellationToken);
        await context.Database.OpenConnectionAsync(cancellationToken);
        await context.Database.ExecuteSqlRawAsync("PRAGMA journal_mode = WAL", cancellationToken);
        await context.Database.ExecuteSqlRawAsync("DROP TABLE IF EXISTS \"__EFMigrationsLock\"", cancellationToken);
        await context.Database.MigrateAsync(cancellationToken);
    }

    public async Task<bool> IsBehindAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return (await context.Database.GetPendingMigrationsAsync(cancellationToken)).Any();
    }

    /// <summary>There are no roles in a file.</summary>
    public Task<IReadOnlyList<string>> FindWrongRightsAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>([]);

    private async Task<FileStream> TakeTurnAsync(string path, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path) && time.GetElapsedTime(started) < LongestWait)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
            }
        }
    }
}
