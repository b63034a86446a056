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
        builder.Property(message => message.FinishReason).HasMaxLength(64);
        builder.Property(message => message.Model).HasMaxLength(200);
        builder.ComplexProperty(message => message.Usage);
        builder.HasOne<ChatSession>().WithMany().HasForeignKey(message => message.SessionId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(message => new { message.SessionId, message.Position }).IsUnique();
    }
}
