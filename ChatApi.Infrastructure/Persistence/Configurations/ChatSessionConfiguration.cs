using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace ChatApi.Infrastructure.Persistence.Configurations;

internal sealed class ChatSessionConfiguration : IEntityTypeConfiguration<ChatSession>
{
    public void Configure(EntityTypeBuilder<ChatSession> builder)
    {
        builder.ToTable("sessions");
        builder.Property(session => session.Id).ValueGeneratedNever();
        builder.Property(session => session.ClientId).HasMaxLength(128);
        builder.Property(session => session.Title).HasMaxLength(200);
        builder.Property(session => session.LastPosition).IsConcurrencyToken();
        builder.Property(session => session.Settings).HasConversion(
            settings => SettingsJson.Write(settings), json => SettingsJson.Read(json));
        builder.HasIndex(session => new { session.UserId, session.LastMessageAt, session.Id }).IsDescending(false, true, true);
        builder.HasIndex(session => new { session.UserId, session.LastMessageAt, session.Id }, "ix_sessions_pinned")
            .IsDescending(false, true, true).HasFilter("is_pinned").HasDatabaseName("ix_sessions_pinned");
        builder.HasIndex(session => new { session.UserId, session.LastMessageAt, session.Id }, "ix_sessions_archived")
            .IsDescending(false, true, true).HasFilter("is_archived").HasDatabaseName("ix_sessions_archived");
        builder.HasIndex(session => new { session.DeletedAt, session.Id }).HasFilter("deleted_at IS NOT NULL");

        // Also of what is in the trash: it may come back.
        builder.HasIndex(session => new { session.UserId, session.ClientId }).IsUnique().HasFilter("client_id IS NOT NULL");

        // What is in the trash is not there, but for who restores or purges it.
        builder.HasQueryFilter(session => session.DeletedAt == null);
    }
}
