using System.Buffers;
using ChatApi.Application.Abstractions;
using ChatApi.Domain;
using Microsoft.EntityFrameworkCore;

namespace ChatApi.Application.UIChats;

/// <summary>What clients call conversations and questions that they name themselves. Our own ids are names, too.</summary>
internal static class ClientNames
{
    public const int MaxLength = 128;

    private static readonly SearchValues<char> Unsafe = SearchValues.Create("?#%\\");

    /// <summary>A conversation's name stands in paths, where the AI SDK puts it as it is: what means something there does not arrive.</summary>
    public static bool IsValidInPath(string? name) => IsValid(name) && !name.AsSpan().ContainsAny(Unsafe);

    /// <summary>Visible ASCII characters. A slash, or a step up, does not arrive in a path as it was sent.</summary>
    public static bool IsValid(string? name) =>
        name is { Length: > 0 and <= MaxLength } and not ("." or "..") && name.All(character => character is > ' ' and < '\x7f' and not '/');

    /// <summary>The conversation of this user's with this name; null if there is none.</summary>
    public static async Task<Guid?> FindSessionAsync(IChatDbContext db, Guid userId, string name, CancellationToken cancellationToken)
    {
        if (!IsValid(name))
            return null;
        var id = IdOf(name);
        return await db.Sessions
            .Where(session => session.UserId == userId && (session.ClientId == name || session.Id == id))
            .OrderByDescending(session => session.Id == id)
            .Select(session => (Guid?)session.Id)
            .FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>A conversation in the trash keeps its name until another one is begun under it; restored after that, it goes by its id.</summary>
    public static Task TakeFromTrashAsync(IChatDbContext db, Guid userId, string name, CancellationToken cancellationToken) => db.Sessions
        .IgnoreQueryFilters()
        .Where(session => session.UserId == userId && session.ClientId == name && session.DeletedAt != null)
        .ExecuteUpdateAsync(set => set.SetProperty(session => session.ClientId, (string?)null), cancellationToken);

    /// <summary>The message of a conversation with this name; null if there is none.</summary>
    /// <remarks>A question that was edited has passed its name on, which may be its id: the one that is shown is meant.</remarks>
    public static async Task<ChatMessage?> FindMessageAsync(IChatDbContext db, Guid sessionId, string? name, CancellationToken cancellationToken)
    {
        if (!IsValid(name))
            return null;
        var id = IdOf(name!);
        return await db.Messages
            .Where(message => message.SessionId == sessionId && (message.ClientId == name || message.Id == id))
            .OrderByDescending(message => message.IsOnBranch).ThenByDescending(message => message.Position)
            .FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>No id is empty.</summary>
    private static Guid IdOf(string name) => Guid.TryParseExact(name, "D", out var id) ? id : Guid.Empty;
}
