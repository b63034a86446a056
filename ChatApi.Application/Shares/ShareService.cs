using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Transfers;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Shares;

/// <summary>Shows what a conversation said to whoever has a link that cannot be guessed, until it expires or is revoked.</summary>
public sealed class ShareService(IChatDbContextFactory contexts, ExportService exports, TimeProvider time)
{
    private const int MaxShares = 100;
    private const int MaxDays = 3650;

    /// <summary>Keeps what the branch of a conversation says now.</summary>
    /// <returns>The share, and what opens it.</returns>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="InvalidRequestException">The conversation is too long, or the time is.</exception>
    /// <exception cref="ConflictException"><c>too_many_shares</c>.</exception>
    public async Task<(ShareResponse Share, string Token)> CreateAsync(
        Guid userId, Guid sessionId, CreateShareRequest? request, CancellationToken cancellationToken)
    {
        Check(request);
        var export = await exports.OpenAsync(userId, sessionId, cancellationToken);
        var snapshot = "[]";
        await foreach (var (_, messages) in export.ReadAsync(isBranch: true, cancellationToken))
            snapshot = await ShareSnapshot.WriteAsync(messages);

        var token = ShareToken.New();
        ShareToken.TryHash(token, out var hash);
        var now = time.Now();
        var share = new Share
        {
            Id = Guid.CreateVersion7(),
            SessionId = sessionId,
            UserId = userId,
            TokenHash = hash!,
            Title = export.Title!,
            Snapshot = snapshot,
            CreatedAt = now,
            ExpiresAt = request?.ExpiresInDays is { } days ? now.AddDays(days) : null,
        };
        await using var db = contexts.Create();
        if (await Owned(db, userId).CountAsync(cancellationToken) >= MaxShares)
            throw new ConflictException(ErrorCodes.TooManyShares, $"There are {MaxShares} shares already; please delete one first.");
        await StoreAsync(db, share, cancellationToken);
        return (ShareResponse.From(share), token);
    }

    /// <summary>What the user has shared, the newest first.</summary>
    public async Task<Page<ShareResponse>> ListAsync(Guid userId, PageRequest page, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var shares = Owned(db, userId);
        if (page.After is { } after)
        {
            var id = Guid.Parse(after);
            shares = shares.Where(share => share.Id < id);
        }

        // Not the snapshots: they may be large.
        var rows = await shares
            .OrderByDescending(share => share.Id)
            .Take(page.Limit + 1)
            .Select(ShareResponse.Projection)
            .ToListAsync(cancellationToken);
        return Page<ShareResponse>.From(rows, page, share => share, share => share.Id.ToString());
    }

    /// <summary>Revokes a share: its link does not work any more.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<ShareResponse> DeleteAsync(Guid userId, Guid shareId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var rows = Owned(db, userId).Where(share => share.Id == shareId);
        var share = await rows
            .Select(ShareResponse.Projection)
            .SingleOrDefaultAsync(cancellationToken);
        return share is not null && await rows.ExecuteDeleteAsync(cancellationToken) == 1 ? share : throw new NotFoundException();
    }

    /// <summary>What was shared, for whoever has the link.</summary>
    /// <exception cref="NotFoundException">The link is wrong, revoked or expired, or the conversation is gone: nobody is told which.</exception>
    public async Task<SharedResponse> ReadAsync(string token, CancellationToken cancellationToken)
    {
        if (!ShareToken.TryHash(token, out var hash))
            throw new NotFoundException();
        var now = time.Now();
        await using var db = contexts.Create();
        var rows =
            from share in db.Shares
            join session in db.Sessions on share.SessionId equals session.Id
            where share.TokenHash == hash && (share.ExpiresAt == null || share.ExpiresAt > now)
            select share;
        var found = await rows.SingleOrDefaultAsync(cancellationToken) ?? throw new NotFoundException();
        return new(found.Title, found.CreatedAt, ShareSnapshot.Read(found.Snapshot));
    }

    /// <summary>Those that have expired and wait to be purged, and those of conversations in the trash, are not there.</summary>
    private IQueryable<Share> Owned(IChatDbContext db, Guid userId)
    {
        var now = time.Now();
        return db.Shares.Where(share => share.UserId == userId && (share.ExpiresAt == null || share.ExpiresAt > now))
            .Where(share => db.Sessions.Any(session => session.Id == share.SessionId));
    }

    private static void Check(CreateShareRequest? request)
    {
        if (request?.ExpiresInDays is not (null or >= 1 and <= MaxDays))
        {
            var sentence = $"expires_in_days must be from 1 to {MaxDays}.";
            throw new InvalidRequestException(ErrorCodes.InvalidRequest, sentence, new Dictionary<string, string[]> { ["expires_in_days"] = [sentence] });
        }
    }

    private static async Task StoreAsync(IChatDbContext db, Share share, CancellationToken cancellationToken)
    {
        db.Shares.Add(share);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException)
        {
            // The conversation may have gone meanwhile, and what belongs to it goes with it.
            if (await db.Sessions.AnyAsync(session => session.Id == share.SessionId, cancellationToken))
                throw;
            throw new NotFoundException();
        }
    }
}
