using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence.Postgres;

internal sealed class PostgresMigrator(IDbContextFactory<PostgresChatDbContext> contexts) : IDatabaseMigrator
{
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        if (await IsBehindAsync(cancellationToken))
            await context.Database.MigrateAsync(cancellationToken);
    }

    public async Task<bool> IsBehindAsync(CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return (await context.Database.GetPendingMigrationsAsync(cancellationToken)).Any();
    }
}
