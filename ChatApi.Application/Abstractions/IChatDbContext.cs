using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Abstractions;

/// <summary>The database, as the services see it. Short-lived: a connection is held only while a call is under way.</summary>
public interface IChatDbContext : IAsyncDisposable
{
    /// <summary>Accounts of ChatApi's own.</summary>
    DbSet<User> Users { get; }

    /// <summary>Accounts that were deleted, whoever kept them.</summary>
    DbSet<DeletedAccount> DeletedAccounts { get; }

    /// <summary>Conversations.</summary>
    DbSet<ChatSession> Sessions { get; }

    /// <summary>Messages.</summary>
    DbSet<ChatMessage> Messages { get; }

    /// <summary>Replies in the making, and those made.</summary>
    DbSet<Run> Runs { get; }

    /// <summary>What was shared.</summary>
    DbSet<Share> Shares { get; }

    /// <summary>What replies cost, by user, day and model.</summary>
    DbSet<DailyUsage> DailyUsages { get; }

    /// <summary>Stores all changes in one transaction.</summary>
    /// <exception cref="DbUpdateConcurrencyException">A row is not as it was read; nothing is stored.</exception>
    /// <exception cref="UniqueViolationException">Somebody else has stored the same before; nothing is stored.</exception>
    Task<int> SaveChangesAsync(CancellationToken cancellationToken);

    /// <summary>Lets go of what was stored: a long transaction would hold all of it.</summary>
    void Forget();

    /// <summary>Adds to what a user's replies of a day cost; nothing is lost where several do so at once.</summary>
    Task AddUsageAsync(DailyUsage usage, CancellationToken cancellationToken);

    /// <summary>Does several statements in one transaction; they may be repeated when the connection breaks.</summary>
    Task InTransactionAsync(Func<Task> work, CancellationToken cancellationToken);
}

/// <summary>A unique index refused the change.</summary>
public sealed class UniqueViolationException(Exception innerException) : Exception("A unique index refused the change.", innerException);

/// <summary>Makes a context for each piece of work, so that none is held while a model talks.</summary>
public interface IChatDbContextFactory
{
    /// <summary>A context from the pool; dispose of it after use.</summary>
    IChatDbContext Create();

    /// <summary>What a client is told when the database failed with this; null if it is no failure of the database's.</summary>
    UnavailableException? Explain(Exception exception);
}
