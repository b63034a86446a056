using ChatApi.Application;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace ChatApi.Infrastructure.Identity;

/// <summary>Accounts in ChatApi's own <c>users</c> table.</summary>
internal sealed class LocalIdentityProvider(IChatDbContextFactory contexts, TokenIssuer tokens, TimeProvider time) : IIdentityProvider
{
    /// <summary>PBKDF2 with HMAC-SHA512; the count is OWASP's recommendation for it.</summary>
    private const int HashIterations = 210_000;

    private static readonly PasswordHasher<User> Hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = HashIterations }));
    private static readonly Lazy<User> Nobody = new(() => New("nobody@example.com", Guid.NewGuid().ToString(), "", DateTime.UnixEpoch));

    public async Task<SignedIn> RegisterAsync(string email, string password, string name, CancellationToken cancellationToken)
    {
        var taken = new ConflictException(ErrorCodes.EmailTaken, "There is an account with this email address already.");
        await using var db = contexts.Create();
        if (await db.Users.AnyAsync(user => user.Email == email, cancellationToken))
            throw taken;

        // A password costs a tenth of a second of computing.
        await PollingThread.LeaveAsync();
        var user = New(email, password, name, time.GetUtcNow().UtcDateTime);
        db.Users.Add(user);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (UniqueViolationException)
        {
            throw taken;
        }

        return SignIn(user);
    }

    public async Task<SignedIn> LoginAsync(string email, string password, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var user = await db.Users.SingleOrDefaultAsync(row => row.Email == email, cancellationToken);
        await PollingThread.LeaveAsync();

        // An address that nobody has costs the same time, so that the clock does not tell which addresses exist.
        var known = user ?? Nobody.Value;
        var result = Hasher.VerifyHashedPassword(known, known.PasswordHash, password);
        return user is null || result == PasswordVerificationResult.Failed ? throw new SignInFailedException() : SignIn(user);
    }

    private static User New(string email, string password, string name, DateTime now) => new()
    {
        Id = Guid.CreateVersion7(),
        Email = email,
        Name = name,
        PasswordHash = Hasher.HashPassword(null!, password),
        CreatedAt = new DateTime(now.Ticks - now.Ticks % TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc),
    };

    private SignedIn SignIn(User user) => new(tokens.Issue(user.Id, user.Email, user.Name), user.Id, user.Name, user.Email);
}
