using System.Reflection;
using ChatApi.Infrastructure.Persistence.Sqlite.Migrations;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Migrations;

namespace ChatApi.Infrastructure.Persistence.Sqlite;

/// <summary>
/// EF's own lock for SQLite is a row, which a process that was killed leaves behind: the next start then waits for ever. So
/// the processes stand in line at a file that the operating system unlocks, and whoever is first removes such a row.
/// </summary>
internal sealed class SqliteMigrator(IDbContextFactory<SqliteChatDbContext> contexts, TimeProvider time) : IDatabaseMigrator
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The newest migration, which tells of all: nobody else migrates a file. EF Core would look for them among the types of the assembly, and
    /// load what each of these refers to, Redis' client and PostgreSQL's driver among it, at every start.
    /// </summary>
    private static readonly string Newest = typeof(LeasesWithoutIndex).GetCustomAttribute<MigrationAttribute>()!.Id;

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
        return !(await context.Database.GetAppliedMigrationsAsync(cancellationToken)).Contains(Newest);
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
