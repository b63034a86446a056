using ChatApi.Application.Abstractions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ChatApi.Infrastructure.Persistence;

/// <summary>Reads a row of a table of ours: a connection alone would not tell a damaged file or a missing migration.</summary>
internal sealed class DatabaseHealthCheck(IChatDbContextFactory contexts) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var db = contexts.Create();

            // Probes give up soon where a database is slow: no token, as PollingThread says.
            await db.Sessions.AnyAsync(CancellationToken.None);
            return HealthCheckResult.Healthy();
        }
        catch (Exception exception)
        {
            return HealthCheckResult.Unhealthy(DatabaseErrors.Reason(exception));
        }
    }
}
