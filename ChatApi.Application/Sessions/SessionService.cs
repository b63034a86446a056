using System.Globalization;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Sessions;

/// <summary>Keeps conversations. The owner is part of every query: what is somebody else's does not exist.</summary>
public sealed class SessionService(IChatDbContextFactory contexts, RunService runs, TimeProvider time)
{
    /// <summary>What a conversation is called until somebody names it; the old front ends show it.</summary>
    public const string DefaultTitle = "Nueva conversación";

    private static readonly StartSessionRequestValidator StartValidator = new();
    private static readonly UpdateSessionRequestValidator UpdateValidator = new();

    /// <summary>The user's conversations, last active first.</summary>
    public async Task<Page<SessionResponse>> ListAsync(Guid userId, PageRequest page, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var sessions = db.Sessions.Where(session => session.UserId == userId);
        if (page.After is { } after)
        {
            var (at, id) = ParseKey(after);
            sessions = sessions.Where(session => session.LastMessageAt < at || (session.LastMessageAt == at && session.Id < id));
        }

        var rows = await sessions
            .OrderByDescending(session => session.LastMessageAt).ThenByDescending(session => session.Id)
            .Take(page.Limit + 1)
            .ToListAsync(cancellationToken);
        return Page<SessionResponse>.From(rows, page, SessionResponse.From, Key);
    }

    /// <summary>Makes an empty conversation.</summary>
    public Task<SessionResponse> CreateAsync(Guid userId, CreateSessionRequest? request, CancellationToken cancellationToken) =>
        CreateAsync(userId, new StartSessionRequest(request?.Title, null), cancellationToken);

    /// <summary>Makes a conversation, with a first message if there is one.</summary>
    public async Task<SessionResponse> CreateAsync(Guid userId, StartSessionRequest? request, CancellationToken cancellationToken)
    {
        request ??= new StartSessionRequest(null, null);
        StartValidator.Check(request);
        var session = New(userId, request.Title, time.Now());
        await using var db = contexts.Create();
        db.Sessions.Add(session);
        if (!string.IsNullOrWhiteSpace(request.InitialMessage))
            db.Messages.Add(new ChatMessage
            {
                Id = Guid.CreateVersion7(),
                SessionId = session.Id,
                Position = session.TakePosition(session.CreatedAt),
                Role = MessageRole.User,
                Content = request.InitialMessage,
                CreatedAt = session.CreatedAt,
            });
        await db.SaveChangesAsync(cancellationToken);
        return SessionResponse.From(session);
    }

    /// <summary>One conversation.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<SessionResponse> GetAsync(Guid userId, Guid sessionId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        return SessionResponse.From(await FindAsync(db, userId, sessionId, cancellationToken));
    }

    /// <summary>Renames a conversation.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<SessionResponse> RenameAsync(
        Guid userId, Guid sessionId, UpdateSessionRequest request, CancellationToken cancellationToken)
    {
        UpdateValidator.Check(request);
        await using var db = contexts.Create();

        // One statement that touches the title alone: a reply may be taking positions at the same time.
        var changed = await db.Sessions
            .Where(session => session.Id == sessionId && session.UserId == userId)
            .ExecuteUpdateAsync(
                set => set.SetProperty(session => session.Title, request.Title!).SetProperty(session => session.UpdatedAt, time.Now()),
                cancellationToken);
        return changed == 1
            ? SessionResponse.From(await FindAsync(db, userId, sessionId, cancellationToken))
            : throw new NotFoundException();
    }

    /// <summary>Deletes a conversation with its messages; a reply in the making is stopped and goes with it.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<SessionResponse> DeleteAsync(Guid userId, Guid sessionId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var session = await FindAsync(db, userId, sessionId, cancellationToken);
        await runs.AbandonAsync(db, sessionId, cancellationToken);
        var deleted = await db.Sessions.Where(row => row.Id == sessionId && row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        return deleted == 1 ? SessionResponse.From(session) : throw new NotFoundException();
    }

    internal static ChatSession New(Guid userId, string? title, DateTime now) => new()
    {
        Id = Guid.CreateVersion7(),
        UserId = userId,
        Title = string.IsNullOrWhiteSpace(title) ? DefaultTitle : title,
        CreatedAt = now,
        UpdatedAt = now,
        LastMessageAt = now,
    };

    private static async Task<ChatSession> FindAsync(IChatDbContext db, Guid userId, Guid sessionId, CancellationToken cancellationToken) =>
        await db.Sessions.SingleOrDefaultAsync(session => session.Id == sessionId && session.UserId == userId, cancellationToken)
        ?? throw new NotFoundException();

    private static string Key(ChatSession session) =>
        string.Create(CultureInfo.InvariantCulture, $"{session.LastMessageAt.Ticks}:{session.Id}");

    private static (DateTime At, Guid Id) ParseKey(string key)
    {
        var colon = key.IndexOf(':', StringComparison.Ordinal);
        return (new DateTime(long.Parse(key.AsSpan(0, colon), CultureInfo.InvariantCulture), DateTimeKind.Utc), Guid.Parse(key.AsSpan(colon + 1)));
    }
}
