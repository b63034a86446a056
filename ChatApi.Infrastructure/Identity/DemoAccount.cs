using ChatApi.Application.Accounts;
using ChatApi.Application.Errors;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ChatApi.Infrastructure.Identity;

/// <summary>The account that the old demo page and its scripts sign in with. It is made in Development only.</summary>
internal sealed partial class DemoAccount(LocalIdentityProvider identities, ILogger<DemoAccount> logger) : IHostedService
{
    public static DemoSignIn SignIn { get; } = new("test@example.com", "password123");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await identities.RegisterAsync(SignIn.Email, SignIn.Password, "Test User", cancellationToken);
        }
        catch (ConflictException)
        {
            // It is there from an earlier start.
        }
#pragma warning disable CA1031 // A convenience: without it the rest still works, and readiness tells of the database.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogMissing(exception.GetType().Name);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "The demo account could not be made: {Reason}")]
    private partial void LogMissing(string reason);
}
