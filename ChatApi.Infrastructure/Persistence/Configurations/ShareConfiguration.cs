using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace ChatApi.Infrastructure.Persistence.Configurations;

internal sealed class ShareConfiguration : IEntityTypeConfiguration<Share>
{
    public void Configure(EntityTypeBuilder<Share> builder)
    {
        builder.ToTable("shares");
        builder.Property(share => share.Id).ValueGeneratedNever();
        builder.Property(share => share.TokenHash).HasMaxLength(32);
        builder.Property(share => share.Title).HasMaxLength(200);
        builder.HasOne<ChatSession>().WithMany().HasForeignKey(share => share.SessionId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(share => share.TokenHash).IsUnique();
        builder.HasIndex(share => new { share.UserId, share.Id });
        builder.HasIndex(share => share.ExpiresAt).HasFilter("expires_at IS NOT NULL");
    }
}
