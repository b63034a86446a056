using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence.Sqlite;

internal sealed class SqliteChatDbContext(DbContextOptions<SqliteChatDbContext> options) : ChatDbContext(options)
{
    /// <summary>
    /// SQLite has one writer at a time and lets the others poll: sixteen of them wait up to 0.6 s. In line they wait
    /// milliseconds.
    /// </summary>
    private static readonly SemaphoreSlim WriteGate = new(1, 1);

    private bool _isWriting;

    public override async Task<T> WriteAsync<T>(Func<Task<T>> write, CancellationToken cancellationToken)
    {
        if (_isWriting)
            return await write();
        await WriteGate.WaitAsync(cancellationToken);
        _isWriting = true;
        try
        {
            return await write();
        }
        finally
        {
            _isWriting = false;
            WriteGate.Release();
        }
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.Entity<Run>().Property(run => run.LeaseExpiresAt)
            .HasDefaultValueSql($"strftime('%Y-%m-%d %H:%M:%f', 'now', '+{RunLeases.LeaseSeconds} seconds')");
        modelBuilder.Entity<DeletedAccount>().Property(account => account.DeletedAt)
            .HasDefaultValueSql("strftime('%Y-%m-%d %H:%M:%f', 'now')");
    }
}
