using ChatApi.Application.Abstractions;
using ChatApi.Domain;
using ChatApi.Infrastructure.Persistence.Configurations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace ChatApi.Infrastructure.Persistence;

/// <summary>The model, which both databases share. A derived context each lets both have migrations of their own.</summary>
internal abstract class ChatDbContext(DbContextOptions options) : DbContext(options), IChatDbContext
{
    public DbSet<User> Users => Set<User>();

    public DbSet<DeletedAccount> DeletedAccounts => Set<DeletedAccount>();

    public DbSet<ChatSession> Sessions => Set<ChatSession>();

    public DbSet<ChatMessage> Messages => Set<ChatMessage>();

    public DbSet<Run> Runs => Set<Run>();

    public DbSet<Share> Shares => Set<Share>();

    public DbSet<DailyUsage> DailyUsages => Set<DailyUsage>();

    public override Task<int> SaveChangesAsync(CancellationToken cancellationToken = default) =>
        WriteAsync(() => SaveAsync(cancellationToken), cancellationToken);

    public void Forget() => ChangeTracker.Clear();

    public Task AddUsageAsync(DailyUsage usage, CancellationToken cancellationToken)
    {
        var table = Model.GetDefaultSchema() is { } schema ? $"{schema}.daily_usage" : "daily_usage";
        var statement =
            $$"""
            INSERT INTO {{table}} AS stored (user_id, day, model, replies, prompt_tokens, completion_tokens, estimated_tokens)
            VALUES ({0}, {1}, {2}, {3}, {4}, {5}, {6})
            ON CONFLICT (user_id, day, model) DO UPDATE SET replies = stored.replies + excluded.replies,
                prompt_tokens = stored.prompt_tokens + excluded.prompt_tokens,
                completion_tokens = stored.completion_tokens + excluded.completion_tokens,
                estimated_tokens = stored.estimated_tokens + excluded.estimated_tokens
            """;
        return Database.ExecuteSqlRawAsync(
            statement,
            [usage.UserId, usage.Day, usage.Model, usage.Replies, usage.PromptTokens, usage.CompletionTokens, usage.EstimatedTokens],
            cancellationToken);
    }

    public Task InTransactionAsync(Func<Task> work, CancellationToken cancellationToken) => WriteAsync(
        async () =>
        {
            await Database.CreateExecutionStrategy().ExecuteInTransactionAsync(
                _ =>
                {
                    // What was added the time before was taken back with its transaction.
                    ChangeTracker.Clear();
                    return work();
                },
                _ => Task.FromResult(false), cancellationToken);
            return 0;
        },
        cancellationToken);

    /// <summary>Writes in some other way than by <see cref="SaveChangesAsync"/>; where there is one writer at a time it waits for its turn.</summary>
    public virtual Task<T> WriteAsync<T>(Func<Task<T>> write, CancellationToken cancellationToken) => write();

    /// <summary>One by one: to look for them in the assembly loads what every type of it refers to, Redis' client and the SDK's among it.</summary>
    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder
        .ApplyConfiguration(new UserConfiguration())
        .ApplyConfiguration(new DeletedAccountConfiguration())
        .ApplyConfiguration(new ChatSessionConfiguration())
        .ApplyConfiguration(new ChatMessageConfiguration())
        .ApplyConfiguration(new RunConfiguration())
        .ApplyConfiguration(new JournalRowConfiguration())
        .ApplyConfiguration(new ShareConfiguration())
        .ApplyConfiguration(new DailyUsageConfiguration());

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<DateTime>().HaveConversion<UtcConverter>();
        configurationBuilder.Properties<MessageRole>().HaveConversion<LowerCaseConverter<MessageRole>>().HaveMaxLength(16);
        configurationBuilder.Properties<Rating>().HaveConversion<LowerCaseConverter<Rating>>().HaveMaxLength(16);
        configurationBuilder.Properties<RunStatus>().HaveConversion<LowerCaseConverter<RunStatus>>().HaveMaxLength(16);
    }

    private async Task<int> SaveAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await base.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (DatabaseErrors.IsRepeatedInsert(exception))
        {
            ChangeTracker.AcceptAllChanges();
            return 0;
        }
        catch (DbUpdateException exception) when (DatabaseErrors.IsUniqueViolation(exception))
        {
            throw new UniqueViolationException(exception);
        }
    }

    /// <summary>SQLite forgets that a time is UTC.</summary>
    private sealed class UtcConverter() : ValueConverter<DateTime, DateTime>(
        time => time, time => DateTime.SpecifyKind(time, DateTimeKind.Utc));

    /// <summary>Words in the database, the same as on the wire: a reader of the tables needs no legend.</summary>
    private sealed class LowerCaseConverter<T>() : ValueConverter<T, string>(
        value => LowerCase.Of(value), text => Enum.Parse<T>(text, true))
        where T : struct, Enum;
}
