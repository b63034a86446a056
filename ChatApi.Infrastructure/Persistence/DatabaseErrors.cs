using System.Net.Sockets;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace ChatApi.Infrastructure.Persistence;

/// <summary>What went wrong in the database, told by its codes and never by the words of a message.</summary>
internal static class DatabaseErrors
{
    private const int SqliteConstraintPrimaryKey = 1555;
    private const int SqliteConstraintUnique = 2067;

    public static bool IsUniqueViolation(Exception exception) => Innermost(exception) switch
    {
        PostgresException postgres => postgres.SqlState == PostgresErrorCodes.UniqueViolation,
        SqliteException sqlite => sqlite.SqliteExtendedErrorCode is SqliteConstraintUnique or SqliteConstraintPrimaryKey,
        _ => false,
    };

    /// <summary>
    /// Whether a row is there already under the id that was made for it here. Nobody else makes that id: the same save went
    /// through before, and its answer was lost.
    /// </summary>
    public static bool IsRepeatedInsert(DbUpdateException exception) => exception.InnerException switch
    {
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: { } name } => name.StartsWith("pk_", StringComparison.Ordinal),
        SqliteException sqlite => sqlite.SqliteExtendedErrorCode == SqliteConstraintPrimaryKey,
        _ => false,
    };

    public static UnavailableException? Explain(Exception exception) => exception switch
    {
        // Too many wanted the same row at the same time, again and again.
        DbUpdateConcurrencyException or UniqueViolationException => Busy(exception),
        _ => ExplainInnermost(exception),
    };

    private static UnavailableException? ExplainInnermost(Exception exception) => Innermost(exception) switch
    {
        PostgresException { SqlState: "40001" or "40P01" or "53300" or "55P03" } => Busy(exception),
        PostgresException { SqlState: "53100" } => Full(exception),
        PostgresException { SqlState: var state } when state.StartsWith("57P0", StringComparison.Ordinal)
            || state.StartsWith("08", StringComparison.Ordinal)
            || state is "57014" or "26000" or "25006" => Away(exception), // The last: only to be read, as Supabase does when a disk is nearly full.
        PostgresException => null,
        NpgsqlException { InnerException: TimeoutException } pool when pool.Message.Contains("pool", StringComparison.Ordinal) => Busy(exception),
        NpgsqlException or SocketException => Away(exception),
        SqliteException { SqliteErrorCode: 5 or 6 } or SqliteException { SqliteExtendedErrorCode: 517 } => Busy(exception),
        SqliteException { SqliteErrorCode: 13 } => Full(exception),
        SqliteException { SqliteErrorCode: 8 or 10 or 11 or 14 or 26 } => Away(exception),
        TimeoutException => Away(exception),
        _ => null,
    };

    /// <summary>Whether a server is likely to answer a little later.</summary>
    public static bool IsWorthWaitingFor(Exception exception) => Innermost(exception) switch
    {
        PostgresException postgres => postgres.SqlState is "57P03" or "53300" or "40P01" or "40001",
        NpgsqlException or SocketException or TimeoutException => true,
        SqliteException { SqliteErrorCode: 5 or 6 } => true,
        _ => false,
    };

    /// <summary>Whether a table, a policy or a row of the migrations' history is there that was about to be made, or an index gone that was to be dropped.</summary>
    public static bool IsMadeAlready(Exception exception) =>
        Innermost(exception) is PostgresException { SqlState: "23505" or "42P06" or "42P07" or "42701" or "42710" or "42704" };

    /// <summary>Why, for the operator, in words that hold neither an address nor a password.</summary>
    public static string Reason(Exception exception) => Innermost(exception) switch
    {
        PostgresException { SqlState: "28P01" or "28000" } => "it refuses the user or the password",
        PostgresException { SqlState: "3D000" } => "there is no database of that name",
        PostgresException { SqlState: "42501" } => "the user may not make its tables",
        PostgresException postgres => $"PostgreSQL says {postgres.SqlState}",
        NpgsqlException or SocketException or TimeoutException => "it does not answer",
        SqliteException { SqliteErrorCode: 8 or 14 } => "the file cannot be opened for writing",
        SqliteException { SqliteErrorCode: 11 or 26 } => "the file is damaged or is no SQLite database",
        SqliteException { SqliteErrorCode: 13 } => "the disk is full",
        SqliteException sqlite => $"SQLite says {sqlite.SqliteExtendedErrorCode}",
        IOException or UnauthorizedAccessException => "its directory cannot be written to",
        var other => other.GetType().Name,
    };

    /// <summary>EF wraps what the driver said, more than once under a retrying strategy.</summary>
    private static Exception Innermost(Exception exception)
    {
        while (exception is DbUpdateException or RetryLimitExceededException or InvalidOperationException
            && exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }

    private static UnavailableException Busy(Exception exception) => new(
        ErrorCodes.DatabaseBusy, "The database has too much to do just now; please try again.", exception)
    { RetryAfter = TimeSpan.FromSeconds(2) };

    private static UnavailableException Away(Exception exception) => new(
        ErrorCodes.DatabaseUnavailable, "The database does not answer just now; please try again.", exception)
    { RetryAfter = TimeSpan.FromSeconds(2) };

    private static UnavailableException Full(Exception exception) => new(
        ErrorCodes.StorageFull, "There is no room left to store this.", exception)
    { RetryAfter = TimeSpan.FromSeconds(30) };
}
