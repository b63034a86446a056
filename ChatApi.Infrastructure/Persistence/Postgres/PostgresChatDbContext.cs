using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Infrastructure.Persistence.Postgres;

internal sealed class PostgresChatDbContext(DbContextOptions<PostgresChatDbContext> options) : ChatDbContext(options)
{
    /// <summary>Not <c>public</c>, which Supabase's Data API shows to the world.</summary>
    public const string Schema = "chat";

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(Schema);
        base.OnModelCreating(modelBuilder);
        modelBuilder.Entity<Run>().Property(run => run.LeaseExpiresAt)
            .HasDefaultValueSql($"now() + interval '{RunLeases.LeaseSeconds} seconds'");
        modelBuilder.Entity<DeletedAccount>().Property(account => account.DeletedAt).HasDefaultValueSql("now()");
    }
}
