using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Messages;

/// <summary>
/// Messages form a tree: what is asked or answered anew is a sibling of what was there. A conversation shows one branch of it, whose
/// messages are marked, so that reading it costs no more than if there were no others.
/// </summary>
public sealed class Branches(IChatDbContextFactory contexts, TimeProvider time)
{
    /// <summary>How many messages may follow the same one.</summary>
    internal const int MaxSiblings = 1000;

    /// <summary>Shows the branch that goes through a message, down to the newest that follows it.</summary>
    /// <returns>The end of the branch.</returns>
    /// <exception cref="NotFoundException">There is no such message in a conversation of this user's.</exception>
    /// <exception cref="ConflictException"><c>run_in_progress</c>.</exception>
    public async Task<MessageResponse> ShowAsync(Guid userId, Guid sessionId, Guid messageId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        await db.InTransactionAsync(
            async () =>
            {
                await HoldAsync(db.Sessions, userId, sessionId, cancellationToken);
                await RunStarter.RefuseBesideRunAsync(db, sessionId, cancellationToken);
                await ShowAsync(db, sessionId, messageId, cancellationToken);
            },
            cancellationToken);

        // The conversation may have been deleted since.
        var last = await db.Messages
            .Where(message => message.SessionId == sessionId && message.IsOnBranch)
            .OrderByDescending(message => message.Position)
            .FirstOrDefaultAsync(cancellationToken) ?? throw new NotFoundException();
        return (await DescribeAsync(db, [last], cancellationToken))[0];
    }

    /// <summary>
    /// Shows what was there before a reply that comes to nothing, in the trash, too. It is part of the transaction that stores its end,
    /// and that has taken a place: nobody can have gone on from the reply meanwhile.
    /// </summary>
    /// <param name="db">The transaction.</param>
    /// <param name="reply">The reply, still stored.</param>
    /// <param name="shownBefore">The end of the branch that it left; null where nobody knows any more: then its newest sibling is shown.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task LeaveAsync(IChatDbContext db, ChatMessage reply, Guid? shownBefore, CancellationToken cancellationToken)
    {
        var shown = await db.Messages
            .Where(message => message.SessionId == reply.SessionId && message.Id == shownBefore)
            .Select(message => (Guid?)message.Id)
            .SingleOrDefaultAsync(cancellationToken);
        if (shown is null)
        {
            // Not the parent that it had at its start: that may have been deleted, and what followed it moved up.
            var stored = await db.Messages.AsNoTracking().SingleOrDefaultAsync(message => message.Id == reply.Id, cancellationToken);
            shown = stored is null ? null : await NewestSiblingAsync(db, stored, cancellationToken);
        }

        if (shown is { } end)
            await ShowAsync(db, reply.SessionId, end, cancellationToken);
    }

    /// <summary>Takes a place in a conversation: whoever writes to it at the same time waits, and whoever has read it before finds that it is another one.</summary>
    /// <returns>0 if there is no such conversation.</returns>
    internal static Task<int> TakePlaceAsync(IQueryable<ChatSession> sessions, Guid sessionId, DateTime now, CancellationToken cancellationToken) =>
        sessions.Where(session => session.Id == sessionId).ExecuteUpdateAsync(
            set => set.SetProperty(session => session.LastPosition, session => session.LastPosition + 1).SetProperty(session => session.UpdatedAt, now),
            cancellationToken);

    /// <summary>Refuses one more message that follows the same one, where there are too many: each names all of them.</summary>
    /// <exception cref="ConflictException"><c>too_many_siblings</c>.</exception>
    internal static async Task RefuseCrowdAsync(
        IChatDbContext db, Guid sessionId, Guid? parentId, CancellationToken cancellationToken, int most = MaxSiblings - 1)
    {
        var siblings = await db.Messages.CountAsync(
            message => message.SessionId == sessionId && message.HasSiblings && message.ParentId == parentId, cancellationToken);
        if (siblings > most)
            throw new ConflictException(ErrorCodes.TooManySiblings, $"No more than {MaxSiblings} messages may follow the same one.");
    }

    /// <summary>
    /// Deletes a message; what follows it then follows the one before it. Where it was the end of the branch that is shown, a sibling
    /// takes its place.
    /// </summary>
    /// <returns>False if it is a reply in the making, or gone.</returns>
    /// <exception cref="ConflictException"><c>too_many_siblings</c>.</exception>
    internal async Task<bool> DeleteAsync(ChatMessage message, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var isDeleted = false;
        await db.InTransactionAsync(
            async () =>
            {
                await HoldAsync(db.Sessions, message.UserId, message.SessionId, cancellationToken);

                // As it is now: what was deleted or shown meanwhile may have moved it.
                var stored = await db.Messages.AsNoTracking()
                    .SingleOrDefaultAsync(row => row.Id == message.Id && row.Status != RunStatus.Running, cancellationToken);
                isDeleted = stored is not null;
                if (stored is null)
                    return;
                await db.Messages.Where(row => row.Id == stored.Id).ExecuteDeleteAsync(cancellationToken);
                await CloseGapAsync(db, stored, cancellationToken);
            },
            cancellationToken);
        return isDeleted;
    }

    /// <summary>The messages as clients see them, each with its siblings.</summary>
    internal static async Task<IReadOnlyList<MessageResponse>> DescribeAsync(
        IChatDbContext db, IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        var forked = messages.Where(message => message.HasSiblings).ToList();
        if (forked.Count == 0)
            return [.. messages.Select(MessageResponse.From)];
        var sessionIds = forked.Select(message => message.SessionId).Distinct().ToList();
        var parentIds = forked.Select(message => message.ParentId).Distinct().ToList();
        var siblings = await db.Messages
            .Where(message => sessionIds.Contains(message.SessionId) && message.HasSiblings && parentIds.Contains(message.ParentId))
            .OrderBy(message => message.Position)
            .Select(message => new { message.Id, message.SessionId, message.ParentId })
            .ToListAsync(cancellationToken);

        // One list for all who share it.
        var byParent = siblings.GroupBy(message => (message.SessionId, message.ParentId))
            .ToDictionary(group => group.Key, group => group.Select(message => message.Id).ToList());
        return [.. messages.Select(message => message.HasSiblings && byParent.TryGetValue((message.SessionId, message.ParentId), out var ids)
            ? MessageResponse.From(message, ids)
            : MessageResponse.From(message))];
    }

    private async Task HoldAsync(IQueryable<ChatSession> sessions, Guid userId, Guid sessionId, CancellationToken cancellationToken)
    {
        if (await TakePlaceAsync(sessions.Where(session => session.UserId == userId), sessionId, time.Now(), cancellationToken) == 0)
            throw new NotFoundException();
    }

    private static async Task ShowAsync(IChatDbContext db, Guid sessionId, Guid messageId, CancellationToken cancellationToken)
    {
        var nodes = await db.Messages
            .Where(message => message.SessionId == sessionId)
            .OrderBy(message => message.Position)
            .Select(message => new Node(message.Id, message.ParentId, message.Position, message.IsOnBranch))
            .ToDictionaryAsync(node => node.Id, cancellationToken);
        if (!nodes.TryGetValue(messageId, out var target))
            throw new NotFoundException();
        if (target.IsOnBranch)
            return;

        var shown = new List<Guid>();
        var from = target;
        for (; from is { IsOnBranch: false }; from = from.ParentId is { } parent ? nodes.GetValueOrDefault(parent) : null)
            shown.Add(from.Id);
        var left = from?.Position ?? 0;
        var newest = nodes.Values.Where(node => node.ParentId is not null).GroupBy(node => node.ParentId!.Value).ToDictionary(group => group.Key, group => group.MaxBy(node => node.Position)!);
        for (var next = target; newest.TryGetValue(next.Id, out next!);)
            shown.Add(next.Id);

        var messages = db.Messages.Where(message => message.SessionId == sessionId);
        await messages.Where(message => message.IsOnBranch && message.Position > left)
            .ExecuteUpdateAsync(set => set.SetProperty(message => message.IsOnBranch, false), cancellationToken);

        // As one parameter: a branch may have more messages than a statement may have of them.
        await messages.Where(message => EF.Parameter(shown).Contains(message.Id))
            .ExecuteUpdateAsync(set => set.SetProperty(message => message.IsOnBranch, true), cancellationToken);
    }

    private static async Task CloseGapAsync(IChatDbContext db, ChatMessage message, CancellationToken cancellationToken)
    {
        var later = db.Messages.Where(row => row.SessionId == message.SessionId);
        var children = later.Where(row => row.ParentId == message.Id && row.Position > message.Position);
        var branchGoesOn = !message.IsOnBranch || await children.AnyAsync(row => row.IsOnBranch, cancellationToken);
        if (!branchGoesOn && message.HasSiblings && await NewestSiblingAsync(db, message, cancellationToken) is { } sibling)
            await ShowAsync(db, message.SessionId, sibling, cancellationToken);

        var adopted = await children.ExecuteUpdateAsync(set => set.SetProperty(row => row.ParentId, message.ParentId), cancellationToken);
        if (adopted == 0 || adopted == 1 && !message.HasSiblings)
            return;
        await later.Where(row => row.ParentId == message.ParentId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.HasSiblings, true), cancellationToken);
        await RefuseCrowdAsync(db, message.SessionId, message.ParentId, cancellationToken, MaxSiblings);
    }

    private static Task<Guid?> NewestSiblingAsync(IChatDbContext db, ChatMessage message, CancellationToken cancellationToken) => db.Messages
        .Where(row => row.SessionId == message.SessionId && row.HasSiblings && row.ParentId == message.ParentId && row.Id != message.Id)
        .OrderByDescending(row => row.Position)
        .Select(row => (Guid?)row.Id)
        .FirstOrDefaultAsync(cancellationToken);

    private sealed record Node(Guid Id, Guid? ParentId, int Position, bool IsOnBranch);
}

/// <summary>Which branch is to be shown.</summary>
/// <param name="MessageId">A message of it.</param>
public sealed record ShowBranchRequest(string? MessageId);
