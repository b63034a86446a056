using System.Globalization;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Messages;

/// <summary>Keeps messages. The owner is part of every query: what is somebody else's does not exist.</summary>
public sealed class MessageService(IChatDbContextFactory contexts, TimeProvider time)
{
    private const int MostTries = 20;
    private const int MostMilliseconds = 40;
    private static readonly CreateMessageRequestValidator CreateValidator = new();

    /// <summary>The messages of a conversation, oldest first.</summary>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    public async Task<Page<MessageResponse>> ListAsync(Guid userId, Guid sessionId, PageRequest page, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var after = page.After is { } key ? int.Parse(key, CultureInfo.InvariantCulture) : 0;
        var rows = await Owned(db, userId)
            .Where(message => message.SessionId == sessionId && message.Position > after)
            .OrderBy(message => message.Position)
            .Take(page.Limit + 1)
            .ToListAsync(cancellationToken);
        if (rows.Count == 0 && !await db.Sessions.AnyAsync(session => session.Id == sessionId && session.UserId == userId, cancellationToken))
            throw new NotFoundException();
        return Page<MessageResponse>.From(
            rows, page, MessageResponse.From, message => message.Position.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>One message.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<MessageResponse> GetAsync(Guid userId, Guid messageId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        return MessageResponse.From(await FindAsync(db, userId, messageId, cancellationToken));
    }

    /// <summary>Deletes a message; those after it keep their places.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    /// <exception cref="ConflictException"><c>run_in_progress</c>: it is a reply in the making.</exception>
    public async Task<MessageResponse> DeleteAsync(Guid userId, Guid messageId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var message = await FindAsync(db, userId, messageId, cancellationToken);
        var deleted = await db.Messages
            .Where(row => row.Id == messageId && row.Status != RunStatus.Running)
            .ExecuteDeleteAsync(cancellationToken);
        if (deleted == 1)
            return MessageResponse.From(message);
        throw message.Status == RunStatus.Running
            ? new ConflictException(ErrorCodes.RunInProgress, "This reply is still being made; stop it first.")
            : new NotFoundException();
    }

    /// <summary>Stores a message as it is, without asking the model.</summary>
    /// <exception cref="InvalidRequestException"><c>content_required</c>, <c>content_too_long</c>, <c>invalid_request</c>.</exception>
    /// <exception cref="NotFoundException">There is no such conversation of this user's.</exception>
    public async Task<MessageResponse> ImportAsync(
        Guid userId, Guid sessionId, CreateMessageRequest request, CancellationToken cancellationToken)
    {
        CreateValidator.Check(request);
        for (var tries = 1; ; tries++)
        {
            await using var db = contexts.Create();
            var session = await db.Sessions.AsTracking()
                .SingleOrDefaultAsync(row => row.Id == sessionId && row.UserId == userId, cancellationToken)
                ?? throw new NotFoundException();
            var now = time.Now();
            var message = new ChatMessage
            {
                Id = Guid.CreateVersion7(),
                SessionId = sessionId,
                Position = session.TakePosition(now),
                Role = Validation.ParseRole(request.Role)!.Value,
                Content = request.Content!,
                CreatedAt = now,
            };
            db.Messages.Add(message);
            try
            {
                await db.SaveChangesAsync(cancellationToken);
                return MessageResponse.From(message);
            }
            catch (Exception exception) when (exception is DbUpdateConcurrencyException or UniqueViolationException && tries < MostTries)
            {
                // Either this very save went through and its answer was lost, or somebody else took the position.
                if (await db.Messages.AnyAsync(row => row.Id == message.Id, cancellationToken))
                    return MessageResponse.From(message);
                await Task.Delay(Random.Shared.Next(MostMilliseconds), cancellationToken);
            }
        }
    }

    private static IQueryable<ChatMessage> Owned(IChatDbContext db, Guid userId) =>
        from message in db.Messages
        join session in db.Sessions on message.SessionId equals session.Id
        where session.UserId == userId
        select message;

    private static async Task<ChatMessage> FindAsync(IChatDbContext db, Guid userId, Guid messageId, CancellationToken cancellationToken) =>
        await Owned(db, userId).SingleOrDefaultAsync(message => message.Id == messageId, cancellationToken) ?? throw new NotFoundException();
}
