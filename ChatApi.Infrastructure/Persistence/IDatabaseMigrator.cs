namespace ChatApi.Infrastructure.Persistence;

/// <summary>Brings the database's tables up to date.</summary>
internal interface IDatabaseMigrator
{
    /// <summary>Applies what is pending; several processes may try at once. Does nothing if nothing is.</summary>
    Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>Whether something is pending.</summary>
    Task<bool> IsBehindAsync(CancellationToken cancellationToken);

    /// <summary>What an operator should know of the rights on its tables, a sentence each.</summary>
    Task<IReadOnlyList<string>> FindWrongRightsAsync(CancellationToken cancellationToken);
}
