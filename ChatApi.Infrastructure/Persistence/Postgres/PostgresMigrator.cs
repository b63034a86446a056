using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence.Postgres;

internal sealed class PostgresMigrator(IDbContextFactory<PostgresChatDbContext> contexts) : IDatabaseMigrator
{
    /// <summary>An index of all that was ever said takes its time.</summary>
    private static readonly TimeSpan LongestStatement = TimeSpan.FromHours(4);

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await IsBehindAsync(cancellationToken))
            return;
        context.Database.SetCommandTimeout(LongestStatement);
        await context.Database.MigrateAsync(cancellationToken);
    }

    public async Task<bool> IsBehindAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return (await context.Database.GetPendingMigrationsAsync(cancellationToken)).Any();
    }

    public async Task<IReadOnlyList<string>> FindWrongRightsAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Database.SqlQuery<string>(
            $"""
            SELECT CASE WHEN relrowsecurity
                THEN 'Row-level security binds ' || current_user || ' on chat.' || relname || ', which sees nothing there: it must own the table or have BYPASSRLS'
                ELSE 'Row-level security is off on chat.' || relname || ': ALTER TABLE chat.' || relname || ' ENABLE ROW LEVEL SECURITY' END AS "Value"
            FROM pg_class
            WHERE relnamespace = to_regnamespace({PostgresChatDbContext.Schema}) AND relkind IN ('r', 'p')
                AND (NOT relrowsecurity OR row_security_active(oid))
            ORDER BY relname
            """).ToListAsync(cancellationToken);
    }
}
