using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence.Sqlite;

internal sealed class SqliteChatDbContext(DbContextOptions<SqliteChatDbContext> options) : ChatDbContext(options)
{
    /// <summary>
    /// SQLite has one writer at a time and lets the others poll: sixteen of them wait up to 0.6 s. In line they wait
    /// milliseconds.
    /// </summary>
    private static readonly SemaphoreSlim WriteGate = new(1, 1);

    public override async Task<int> SaveChangesAsync(CancellationToken cancellationToken = default)
    {
        await WriteGate.WaitAsync(cancellationToken);
        try
        {
            return await base.SaveChangesAsync(cancellationToken);
        }
        finally
        {
            WriteGate.Release();
        }
    }
}
