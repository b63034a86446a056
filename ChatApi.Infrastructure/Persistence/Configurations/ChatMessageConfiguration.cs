using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace ChatApi.Infrastructure.Persistence.Configurations;

internal sealed class ChatMessageConfiguration : IEntityTypeConfiguration<ChatMessage>
{
    public void Configure(EntityTypeBuilder<ChatMessage> builder)
    {
        builder.ToTable("messages");
        builder.Property(message => message.Id).ValueGeneratedNever();
        builder.Property(message => message.ClientId).HasMaxLength(128);
        builder.Property(message => message.FinishReason).HasMaxLength(64);
        builder.Property(message => message.Model).HasMaxLength(200);
        builder.ComplexProperty(message => message.Usage);
        builder.ComplexProperty(message => message.Feedback).Property(feedback => feedback.Comment).HasMaxLength(2000);
        builder.HasOne<ChatSession>().WithMany().HasForeignKey(message => message.SessionId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(message => new { message.SessionId, message.Position }).IsUnique();

        // Only what was asked or answered anew is in it.
        builder.HasIndex(message => new { message.SessionId, message.ParentId }).HasFilter("has_siblings");
        builder.HasIndex(message => new { message.SessionId, message.ClientId }).IsUnique().HasFilter("client_id IS NOT NULL");
    }
}
