using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace ChatApi.Infrastructure.Persistence.Configurations;

internal sealed class RunConfiguration : IEntityTypeConfiguration<Run>
{
    public void Configure(EntityTypeBuilder<Run> builder)
    {
        builder.ToTable("runs");
        builder.Property(run => run.Id).ValueGeneratedNever();

        // Whoever ends a run does so where it is still running: the first wins, and a late owner changes nothing.
        builder.Property(run => run.Status).IsConcurrencyToken();
        builder.Property(run => run.Fence).IsConcurrencyToken();
        builder.Property(run => run.ErrorCode).HasMaxLength(64);
        builder.Property(run => run.IdempotencyKey).HasMaxLength(255);
        builder.Property(run => run.RequestHash).HasMaxLength(32);

        // The messages may be deleted one by one while the run is remembered, so they are no foreign keys.
        builder.HasOne<ChatSession>().WithMany().HasForeignKey(run => run.SessionId).OnDelete(DeleteBehavior.Cascade);
        // Leases have no index, so that to renew one changes none: who looks for those that ran out looks through this one, of what is running.
        builder.HasIndex(run => run.SessionId, "ix_runs_active").IsUnique().HasFilter("status = 'running'");
        builder.HasIndex(run => new { run.SessionId, run.CreatedAt });
        builder.HasIndex(run => new { run.UserId, run.IdempotencyKey }).IsUnique().HasFilter("idempotency_key IS NOT NULL");
    }
}
