using System.Runtime.CompilerServices;
using ChatApi.Application.Abstractions;
using ChatApi.Application.Errors;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.Transfers;

/// <summary>Gives users what is theirs, as much of it as there is.</summary>
public sealed class ExportService(IChatDbContextFactory contexts)
{
    /// <summary>One conversation.</summary>
    /// <exception cref="NotFoundException">There is none of this user's.</exception>
    public async Task<Export> OpenAsync(Guid userId, Guid sessionId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var title = await db.Sessions
            .Where(session => session.Id == sessionId && session.UserId == userId)
            .Select(session => session.Title)
            .SingleOrDefaultAsync(cancellationToken);
        return new(contexts, userId, [sessionId], title ?? throw new NotFoundException());
    }

    /// <summary>All conversations of a user, but for those in the trash.</summary>
    public async Task<Export> OpenAsync(Guid userId, CancellationToken cancellationToken)
    {
        await using var db = contexts.Create();
        var ids = await db.Sessions
            .Where(session => session.UserId == userId)
            .OrderBy(session => session.Id)
            .Select(session => session.Id)
            .ToListAsync(cancellationToken);
        return new(contexts, userId, ids, null);
    }
}

/// <summary>
/// Conversations that are read as fast as they are taken, a few rows at a time: however many there are, and however slow the reader is, they
/// fill no memory and hold no connection.
/// </summary>
public sealed class Export
{
    private const int SessionsAtATime = 50;

    private const int MessagesAtATime = 200;
    private const int CharactersAtATime = 1_000_000;

    private readonly IChatDbContextFactory _contexts;
    private readonly Guid _userId;
    private readonly IReadOnlyList<Guid> _sessionIds;

    internal Export(IChatDbContextFactory contexts, Guid userId, IReadOnlyList<Guid> sessionIds, string? title)
    {
        (_contexts, _userId, _sessionIds) = (contexts, userId, sessionIds);
        Title = title;
    }

    /// <summary>The title of the conversation; null for an export of all.</summary>
    public string? Title { get; }

    /// <summary>Each conversation with its messages, which are to be read before the next one is.</summary>
    /// <param name="isBranch">Those of the branch that is shown, not those of all branches.</param>
    /// <param name="cancellationToken">The reader has left, which is looked at between two statements.</param>
    public async IAsyncEnumerable<(ExportedSession Session, IAsyncEnumerable<ExportedMessage> Messages)> ReadAsync(
        bool isBranch, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var ids in _sessionIds.Chunk(SessionsAtATime))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var session in await SessionsAsync(ids))
                yield return (ExportedSession.From(session), ReadAsync(session, isBranch, cancellationToken));
        }
    }

    private async Task<List<ChatSession>> SessionsAsync(Guid[] ids)
    {
        await PollingThread.LeaveAsync();
        await using var db = _contexts.Create();
        return await db.Sessions
            .Where(session => session.UserId == _userId && ids.Contains(session.Id))
            .OrderBy(session => session.Id)
            .ToListAsync();
    }

    private async IAsyncEnumerable<ExportedMessage> ReadAsync(
        ChatSession session, bool isBranch, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var after = 0; after < session.LastPosition;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (var messages, after) = await MessagesAsync(session, isBranch, after);
            foreach (var message in messages)
                yield return ExportedMessage.From(message);
        }
    }

    /// <summary>
    /// No further than the conversation had come when it was read: what is left out, a reply in the making, is followed by nothing
    /// then, so that every parent is in the file.
    /// </summary>
    /// <returns>The messages, and up to which position they are all that there are.</returns>
    private async Task<(List<ChatMessage> Messages, int Until)> MessagesAsync(ChatSession session, bool isBranch, int after)
    {
        await PollingThread.LeaveAsync();
        await using var db = _contexts.Create();
        var ahead = db.Messages.Where(message => message.SessionId == session.Id && message.Position > after
            && message.Position <= session.LastPosition && message.Status != RunStatus.Running && (!isBranch || message.IsOnBranch));
        var lengths = await ahead
            .OrderBy(message => message.Position)
            .Take(MessagesAtATime)
            .Select(message => new { message.Position, message.Content.Length })
            .ToListAsync();
        var (count, characters) = (0, 0);
        while (count < lengths.Count && (count == 0 || characters + lengths[count].Length <= CharactersAtATime))
            characters += lengths[count++].Length;
        var until = count < MessagesAtATime && count == lengths.Count ? session.LastPosition : lengths[count - 1].Position;
        var messages = count == 0
            ? []
            : await ahead.Where(message => message.Position <= until).OrderBy(message => message.Position).ToListAsync();
        await PollingThread.LeaveAsync();
        return (messages, until);
    }
}
