using System.Globalization;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Messages;

/// <summary>Keeps messages. The owner is part of every query: what is somebody else's does not exist.</summary>
public sealed class MessageService(IChatDbContextFactory contexts, Branches branches, SettingsRules rules, TimeProvider time)
{
    private static readonly CreateMessageRequestValidator CreateValidator = new();
    private static readonly FeedbackRequestValidator FeedbackValidator = new();

    /// <summary>The messages of a conversation, oldest first: those of the branch that it shows, or all.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    public async Task<Page<MessageResponse>> ListAsync(
        Guid userId, Guid sessionId, bool isTree, PageRequest page, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var after = page.After is { } key ? int.Parse(key, CultureInfo.InvariantCulture) : 0;
        var rows = await Owned(db, userId)
            .Where(message => message.SessionId == sessionId && (isTree || message.IsOnBranch) && message.Position > after)
            .OrderBy(message => message.Position)
            .Take(page.Limit + 1)
            .ToListAsync(cancellationToken);
        if (rows.Count == 0 && !await db.Sessions.AnyAsync(session => session.Id == sessionId && session.UserId == userId, cancellationToken))
            throw new NotFoundException();
        var shown = Page<ChatMessage>.From(rows, page, message => message, message => message.Position.ToString(CultureInfo.InvariantCulture));
        return new(await Branches.DescribeAsync(db, shown.Items, cancellationToken), shown.Next);
    }

    /// <summary>One message.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<MessageResponse> GetAsync(Guid userId, Guid messageId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        return await DescribeAsync(db, await FindAsync(db, userId, messageId, cancellationToken), cancellationToken);
    }

    /// <summary>Deletes a message; those after it keep their places.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    /// <exception cref="ConflictException"><c>run_in_progress</c>: it is a reply in the making; <c>too_many_siblings</c>.</exception>
    public async Task<MessageResponse> DeleteAsync(Guid userId, Guid messageId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var message = await FindAsync(db, userId, messageId, cancellationToken);
        var described = await DescribeAsync(db, message, cancellationToken);
        if (await branches.DeleteAsync(message, cancellationToken))
            return described;
        throw message.Status == RunStatus.Running
            ? new ConflictException(ErrorCodes.RunInProgress, "This reply is still being made; stop it first.")
            {
                RunId = await RunStarter.ActiveRunAsync(db, message.SessionId, cancellationToken),
            }
            : new NotFoundException();
    }

    /// <summary>Keeps what its reader thinks of a reply, in the place of what was there before.</summary>
    /// <exception cref="InvalidRequestException"><c>invalid_request</c>.</exception>
    /// <exception cref="NotFoundException">There is no such message of this user's.</exception>
    /// <exception cref="ConflictException"><c>not_a_reply</c>, or <c>run_in_progress</c>: it is still being made.</exception>
    public Task<MessageResponse> RateAsync(Guid userId, Guid messageId, FeedbackRequest request, CancellationToken cancellationToken)
    {
        FeedbackValidator.Check(request);
        var comment = string.IsNullOrWhiteSpace(request.Comment) ? null : request.Comment;
        return SetFeedbackAsync(userId, messageId, new(FeedbackRequest.ParseRating(request.Rating)!.Value, comment, time.Now()), cancellationToken);
    }

    /// <summary>Forgets what its reader thinks of a reply.</summary>
    /// <exception cref="NotFoundException">There is no such message of this user's.</exception>
    /// <exception cref="ConflictException"><c>not_a_reply</c>, or <c>run_in_progress</c>: it is still being made.</exception>
    public Task<MessageResponse> RemoveFeedbackAsync(Guid userId, Guid messageId, CancellationToken cancellationToken) =>
        SetFeedbackAsync(userId, messageId, null, cancellationToken);

    private async Task<MessageResponse> SetFeedbackAsync(Guid userId, Guid messageId, Feedback? feedback, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var rated = await db.Messages
            .Where(message => message.Id == messageId && message.Role == MessageRole.Assistant && message.Status != RunStatus.Running)
            .Where(message => db.Sessions.Any(session => session.Id == message.SessionId && session.UserId == userId))
            .ExecuteUpdateAsync(set => set.SetProperty(message => message.Feedback, feedback), cancellationToken);
        var found = await FindAsync(db, userId, messageId, cancellationToken);
        if (rated == 1)
            return await DescribeAsync(db, found, cancellationToken);
        throw found.Role == MessageRole.Assistant
            ? new ConflictException(ErrorCodes.RunInProgress, "This reply is still being made.")
            {
                RunId = await RunStarter.ActiveRunAsync(db, found.SessionId, cancellationToken),
            }
            : new ConflictException(ErrorCodes.NotAReply, "Only what the assistant said can be rated.");
    }

    /// <summary>Stores a message as it is, without asking the model.</summary>
    /// <exception cref="InvalidRequestException"><c>content_required</c>, <c>content_too_long</c>, <c>invalid_request</c>.</exception>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    /// <exception cref="ConflictException"><c>run_in_progress</c>.</exception>
    public async Task<MessageResponse> ImportAsync(
        Guid userId, Guid sessionId, CreateMessageRequest request, CancellationToken cancellationToken)
    {
        CreateValidator.Check(request);
        rules.Check(request);
        var (id, isRepeated) = (Guid.CreateVersion7(), false);
        await using var db = contexts.Create();
        await db.InTransactionAsync(
            async () =>
            {
                // The transaction may have gone through, and its answer been lost.
                if (!isRepeated || !await db.Messages.AnyAsync(row => row.Id == id, cancellationToken))
                    await AddAsync(db, userId, sessionId, request, id, cancellationToken);
                isRepeated = true;
            },
            cancellationToken);
        return await GetAsync(userId, id, cancellationToken);
    }

    /// <summary>Whoever writes to the conversation at the same time waits for the place that is taken here, and need not try again.</summary>
    private async Task AddAsync(
        IChatDbContext db, Guid userId, Guid sessionId, CreateMessageRequest request, Guid id, CancellationToken cancellationToken)
    {
        var sessions = db.Sessions.Where(row => row.Id == sessionId && row.UserId == userId);
        var taken = await sessions.ExecuteUpdateAsync(
            set => set.SetProperty(row => row.LastPosition, row => row.LastPosition + 1), cancellationToken);
        if (taken == 0)
            throw new NotFoundException();

        // A reply in the making may come to nothing: what follows it would follow nobody.
        await RunStarter.RefuseBesideRunAsync(db, sessionId, cancellationToken);

        // After the wait: messages have the order of their times, too.
        var now = time.Now();
        await sessions.ExecuteUpdateAsync(
            set => set.SetProperty(row => row.UpdatedAt, now).SetProperty(row => row.LastMessageAt, now), cancellationToken);
        db.Messages.Add(new ChatMessage
        {
            Id = id,
            SessionId = sessionId,
            UserId = userId,
            ParentId = await db.Messages
                .Where(row => row.SessionId == sessionId && row.IsOnBranch)
                .OrderByDescending(row => row.Position)
                .Select(row => (Guid?)row.Id)
                .FirstOrDefaultAsync(cancellationToken),
            Position = await sessions.Select(row => row.LastPosition).SingleAsync(cancellationToken),
            Role = Validation.ParseRole(request.Role)!.Value,
            Content = request.Content!,
            CreatedAt = now,
            Metadata = request.MetadataText(),
        });
        await db.SaveChangesAsync(cancellationToken);
    }

    private static async Task<MessageResponse> DescribeAsync(IChatDbContext db, ChatMessage message, CancellationToken cancellationToken) =>
        (await Branches.DescribeAsync(db, [message], cancellationToken))[0];

    private static IQueryable<ChatMessage> Owned(IChatDbContext db, Guid userId) =>
        from message in db.Messages
        join session in db.Sessions on message.SessionId equals session.Id
        where session.UserId == userId
        select message;

    private static async Task<ChatMessage> FindAsync(IChatDbContext db, Guid userId, Guid messageId, CancellationToken cancellationToken) =>
        await Owned(db, userId).SingleOrDefaultAsync(message => message.Id == messageId, cancellationToken) ?? throw new NotFoundException();
}
