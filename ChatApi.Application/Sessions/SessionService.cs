using System.Globalization;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Application.Runs;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Query;

namespace ChatApi.Application.Sessions;

/// <summary>Keeps conversations. The owner is part of every query: what is somebody else's does not exist.</summary>
public sealed class SessionService(
    IChatDbContextFactory contexts, ISessionSearch search, RunService runs, SettingsRules rules, TrashOptions trash, TimeProvider time)
{
    /// <summary>What a conversation is called until somebody names it; the old front ends show it.</summary>
    public const string DefaultTitle = "Nueva conversación";

    private static readonly StartSessionRequestValidator StartValidator = new();
    private static readonly ReplaceSessionRequestValidator ReplaceValidator = new();

    /// <summary>The user's conversations, last active first; those in the trash, last deleted first.</summary>
    /// <exception cref="InvalidRequestException">The filter asks for what there is not.</exception>
    public Task<Page<SessionResponse>> ListAsync(Guid userId, SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
    {
        filter.Check();
        return filter.IsSearch ? SearchAsync(userId, filter, page, cancellationToken)
            : filter.Deleted ? ListTrashAsync(userId, filter, page, cancellationToken)
            : ListActiveAsync(userId, filter, page, cancellationToken);
    }

    private async Task<Page<SessionResponse>> ListActiveAsync(
        Guid userId, SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var sessions = db.Sessions.Where(session => session.UserId == userId);
        sessions = filter.Archived == true ? sessions.Where(session => session.IsArchived) : sessions.Where(session => !session.IsArchived);
        sessions = Pinned(sessions, filter.Pinned);
        if (page.After is { } after)
        {
            var (at, id) = ParseKey(after);
            sessions = sessions.Where(session => session.LastMessageAt < at || (session.LastMessageAt == at && session.Id < id));
        }

        var rows = await sessions
            .OrderByDescending(session => session.LastMessageAt).ThenByDescending(session => session.Id)
            .Take(page.Limit + 1)
            .ToListAsync(cancellationToken);
        return Page<SessionResponse>.From(rows, page, SessionResponse.From, session => Key(session.LastMessageAt, session.Id));
    }

    private async Task<Page<SessionResponse>> ListTrashAsync(
        Guid userId, SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var sessions = Pinned(Trash(db, userId), filter.Pinned);
        if (filter.Archived is { } archived)
            sessions = sessions.Where(session => session.IsArchived == archived);
        if (page.After is { } after)
        {
            var (at, id) = ParseKey(after);
            sessions = sessions.Where(session => session.DeletedAt < at || (session.DeletedAt == at && session.Id < id));
        }

        var rows = await sessions
            .OrderByDescending(session => session.DeletedAt).ThenByDescending(session => session.Id)
            .Take(page.Limit + 1)
            .ToListAsync(cancellationToken);
        return Page<SessionResponse>.From(rows, page, SessionResponse.From, session => Key(session.DeletedAt!.Value, session.Id));
    }

    private async Task<Page<SessionResponse>> SearchAsync(
        Guid userId, SessionFilter filter, PageRequest page, CancellationToken cancellationToken)
    {
        var words = SearchText.Words(filter.Query!);
        if (words.Count == 0)
            return new([], null);
        var after = page.After is { } key ? ParseKey(key) : ((DateTime, Guid)?)null;
        var hits = await search.FindAsync(
            new(userId, words, filter.Pinned, filter.Archived == true, after, page.Limit + 1), cancellationToken);

        var ids = hits.Select(hit => hit.SessionId).ToList();
        await using var db = contexts.Create();
        var sessions = ids.Count == 0 ? [] : await db.Sessions
            .Where(session => session.UserId == userId && ids.Contains(session.Id))
            .ToDictionaryAsync(session => session.Id, cancellationToken);
        var found = Page<SessionHit>.From([.. hits], page, hit => hit, hit => Key(hit.LastMessageAt, hit.SessionId));

        // What was deleted since then is left out.
        return new(
            [.. found.Items.Where(hit => sessions.ContainsKey(hit.SessionId)).Select(hit => SessionResponse.From(
                sessions[hit.SessionId],
                hit.MessageId is { } messageId ? new(messageId, SearchText.Snippet(hit.Content!, words)) : null))],
            found.Next);
    }

    /// <summary>Makes an empty conversation.</summary>
    public Task<SessionResponse> CreateAsync(Guid userId, CreateSessionRequest? request, CancellationToken cancellationToken) =>
        CreateAsync(userId, request?.Title, null, request, cancellationToken);

    /// <summary>Makes a conversation, with a first message if there is one.</summary>
    public Task<SessionResponse> CreateAsync(Guid userId, StartSessionRequest? request, CancellationToken cancellationToken) =>
        CreateAsync(userId, request?.Title, request?.InitialMessage, request, cancellationToken);

    private async Task<SessionResponse> CreateAsync(
        Guid userId, string? title, string? initialMessage, SettingsRequest? settings, CancellationToken cancellationToken)
    {
        StartValidator.Check(new(title, initialMessage));
        var session = New(userId, title, time.Now());
        if (settings is not null)
        {
            rules.Check(settings);
            session.Settings = settings.ToSettings();
            session.Metadata = settings.MetadataText();
        }

        await using var db = contexts.Create();
        db.Sessions.Add(session);
        if (!string.IsNullOrWhiteSpace(initialMessage))
            db.Messages.Add(new ChatMessage
            {
                Id = Guid.CreateVersion7(),
                SessionId = session.Id,
                UserId = userId,
                Position = session.TakePosition(session.CreatedAt),
                Role = MessageRole.User,
                Content = initialMessage,
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

    /// <summary>Renames a conversation, and changes what else is named of it.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public Task<SessionResponse> ReplaceAsync(
        Guid userId, Guid sessionId, ReplaceSessionRequest request, CancellationToken cancellationToken)
    {
        ReplaceValidator.Check(request);
        return ChangeAsync(userId, sessionId, new(request.Title, request.Pinned, request.Archived, request), cancellationToken);
    }

    /// <summary>Changes what is named of a conversation.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public Task<SessionResponse> UpdateAsync(
        Guid userId, Guid sessionId, UpdateSessionRequest request, CancellationToken cancellationToken)
    {
        if (request.Title is not null)
            ReplaceValidator.Check(new(request.Title, null, null));
        return ChangeAsync(userId, sessionId, new(request.Title, request.Pinned, request.Archived, request), cancellationToken);
    }

    private async Task<SessionResponse> ChangeAsync(Guid userId, Guid sessionId, Change change, CancellationToken cancellationToken)
    {
        rules.Check(change.Settings);
        await using var db = contexts.Create();
        if (change.NamesNothing)
            return SessionResponse.From(await FindAsync(db, userId, sessionId, cancellationToken));
        var session = db.Sessions.Where(row => row.Id == sessionId && row.UserId == userId);
        await db.InTransactionAsync(
            async () =>
            {
                var before = ReplySettings.None;
                if (change.Settings.NamesSettings())
                {
                    // All settings are one column: whoever else changes one of them waits here.
                    await session.ExecuteUpdateAsync(set => set.SetProperty(row => row.LastPosition, row => row.LastPosition), cancellationToken);
                    before = await session.Select(row => row.Settings).SingleOrDefaultAsync(cancellationToken) ?? ReplySettings.None;
                }

                // Touches what is named alone: a reply may be taking positions at the same time.
                if (await session.ExecuteUpdateAsync(set => Apply(set, change, before), cancellationToken) == 0)
                    throw new NotFoundException();
            },
            cancellationToken);
        return SessionResponse.From(await FindAsync(db, userId, sessionId, cancellationToken));
    }

    private void Apply(UpdateSettersBuilder<ChatSession> set, Change change, ReplySettings before)
    {
        if (change.Title is { } title)
            set.SetProperty(row => row.Title, title).SetProperty(row => row.IsTitleChosen, true).SetProperty(row => row.UpdatedAt, time.Now());
        if (change.Pinned is { } pinned)
            set.SetProperty(row => row.IsPinned, pinned);
        if (change.Archived is { } archived)
            set.SetProperty(row => row.IsArchived, archived);
        if (change.Settings.Names(nameof(SettingsRequest.Metadata)))
            set.SetProperty(row => row.Metadata, change.Settings.MetadataText());
        if (!change.Settings.NamesSettings())
            return;
        var settings = change.Settings.ApplyTo(before);
        set.SetProperty(row => row.Settings, settings == ReplySettings.None ? null : settings);
    }

    /// <summary>Deletes a conversation with its messages: puts it into the trash, or, if asked to or if there is none, for good. A reply in the making is stopped.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public Task<SessionResponse> DeleteAsync(Guid userId, Guid sessionId, bool isPermanent, CancellationToken cancellationToken) =>
        isPermanent || trash.Days == 0
            ? RemoveAsync(userId, sessionId, isPermanent, cancellationToken)
            : ThrowAwayAsync(userId, sessionId, cancellationToken);

    /// <summary>Takes a conversation out of the trash. To restore what is not there changes nothing.</summary>
    /// <exception cref="NotFoundException">There is none of this user's, or it has been there for too long.</exception>
    public async Task<SessionResponse> RestoreAsync(Guid userId, Guid sessionId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        await Trash(db, userId).Where(row => row.Id == sessionId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.DeletedAt, (DateTime?)null), cancellationToken);
        return SessionResponse.From(await FindAsync(db, userId, sessionId, cancellationToken));
    }

    private async Task<SessionResponse> ThrowAwayAsync(Guid userId, Guid sessionId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var session = await FindAsync(db, userId, sessionId, cancellationToken);

        // First of all: from here on no reply is begun in it, and the one that is being made can be stopped.
        session.DeletedAt = time.Now();
        var deleted = await db.Sessions
            .Where(row => row.Id == sessionId && row.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.DeletedAt, session.DeletedAt), cancellationToken);
        if (deleted == 0)
            throw new NotFoundException();
        await runs.StopActiveAsync(db, sessionId);
        return SessionResponse.From(session);
    }

    private async Task<SessionResponse> RemoveAsync(Guid userId, Guid sessionId, bool fromTrash, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var sessions = (fromTrash ? db.Sessions.IgnoreQueryFilters() : db.Sessions).Where(row => row.Id == sessionId && row.UserId == userId);
        var session = await sessions.SingleOrDefaultAsync(cancellationToken) ?? throw new NotFoundException();
        var deleted = await sessions.ExecuteDeleteAsync(cancellationToken);
        runs.Abandon(sessionId);
        return deleted == 1 ? SessionResponse.From(session) : throw new NotFoundException();
    }

    /// <summary>What can still be restored.</summary>
    private IQueryable<ChatSession> Trash(IChatDbContext db, Guid userId)
    {
        var horizon = trash.Horizon(time);
        return db.Sessions.IgnoreQueryFilters().Where(session => session.UserId == userId && session.DeletedAt > horizon);
    }

    private static IQueryable<ChatSession> Pinned(IQueryable<ChatSession> sessions, bool? pinned) => pinned switch
    {
        null => sessions,
        true => sessions.Where(session => session.IsPinned),
        false => sessions.Where(session => !session.IsPinned),
    };

    internal static ChatSession New(Guid userId, string? title, DateTime now, string? clientId = null) => new()
    {
        Id = Guid.CreateVersion7(),
        UserId = userId,
        ClientId = clientId,
        Title = string.IsNullOrWhiteSpace(title) ? DefaultTitle : title,
        IsTitleChosen = !string.IsNullOrWhiteSpace(title),
        CreatedAt = now,
        UpdatedAt = now,
        LastMessageAt = now,
    };

    private static async Task<ChatSession> FindAsync(IChatDbContext db, Guid userId, Guid sessionId, CancellationToken cancellationToken) =>
        await db.Sessions.SingleOrDefaultAsync(session => session.Id == sessionId && session.UserId == userId, cancellationToken)
        ?? throw new NotFoundException();

    private static string Key(DateTime at, Guid id) => string.Create(CultureInfo.InvariantCulture, $"{at.Ticks}:{id}");

    private static (DateTime At, Guid Id) ParseKey(string key)
    {
        var colon = key.IndexOf(':', StringComparison.Ordinal);
        return (new DateTime(long.Parse(key.AsSpan(0, colon), CultureInfo.InvariantCulture), DateTimeKind.Utc), Guid.Parse(key.AsSpan(colon + 1)));
    }

    private sealed record Change(string? Title, bool? Pinned, bool? Archived, SettingsRequest Settings)
    {
        public bool NamesNothing => Title is null && Pinned is null && Archived is null
            && !Settings.NamesSettings() && !Settings.Names(nameof(SettingsRequest.Metadata));
    }
}
