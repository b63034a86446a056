using ChatApi.Application.Configuration;
using Microsoft.Extensions.Logging;

namespace ChatApi.Infrastructure.Persistence;

/// <summary>Migrates at start. A server that is still starting is waited for; one that never answers stops the start.</summary>
internal sealed partial class DatabasePreparation(IDatabaseMigrator migrator, TimeProvider time, ILogger<DatabasePreparation> logger)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                await migrator.MigrateAsync(cancellationToken);
                return;
            }
            catch (Exception exception) when (DatabaseErrors.IsMadeAlready(exception) && time.GetElapsedTime(started) < LongestWait)
            {
                // EF Core lets go of its lock between two migrations: another process has applied the next one meanwhile.
                await Task.Delay(Pause, time, cancellationToken);
            }
            catch (Exception exception) when (DatabaseErrors.IsWorthWaitingFor(exception) && time.GetElapsedTime(started) < LongestWait)
            {
                LogWaiting();
                await Task.Delay(Pause, time, cancellationToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                throw new ConfigurationException($"the database of DATABASE_URL cannot be used: {DatabaseErrors.Reason(exception)}.");
            }
        }
    }

    /// <summary>Tables that are open to others than ChatApi, or closed to it.</summary>
    public async Task WarnOfRightsAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var wrong in await migrator.FindWrongRightsAsync(cancellationToken))
                LogWrongRight(wrong);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogWaiting();
        }
    }

    /// <summary>Where an operator migrates by hand, a forgotten one is told; the process is not ready until it is done.</summary>
    public async Task WarnIfBehindAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await migrator.IsBehindAsync(cancellationToken))
                LogBehind();
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogWaiting();
        }
    }

    [LoggerMessage(LogLevel.Warning, "The database lacks migrations: run `dotnet ChatApi.Web.dll migrate`")]
    private partial void LogBehind();

    [LoggerMessage(LogLevel.Warning, "{Sentence}")]
    private partial void LogWrongRight(string sentence);

    [LoggerMessage(LogLevel.Warning, "The database does not answer yet")]
    private partial void LogWaiting();
}
