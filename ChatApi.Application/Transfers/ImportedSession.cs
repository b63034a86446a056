using ChatApi.Application.Errors;
using ChatApi.Domain;

namespace ChatApi.Application.Transfers;

/// <summary>A conversation as it will be stored, and its messages in the order of their positions.</summary>
internal sealed record ImportedSession(ChatSession Session, List<ChatMessage> Messages)
{
    /// <summary>The longest text of a message: as long as a reply becomes.</summary>
    public const int MaxContent = Validation.MaxReplyLength;

    /// <summary>New ids, which rise: the next export has the conversations in the same order.</summary>
    public static Guid[] NewIds(int count) => [.. Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).Order()];

    /// <summary>Marks the branch that goes through a message, down to the newest that follows it, and what stands beside something.</summary>
    /// <param name="last">Null for no branch.</param>
    public ImportedSession Show(ChatMessage? last)
    {
        var byId = Messages.ToDictionary(message => message.Id);
        var newest = new Dictionary<Guid, ChatMessage>();
        var followers = Messages.CountBy(message => message.ParentId ?? Guid.Empty).ToDictionary();
        foreach (var message in Messages)
        {
            message.IsOnBranch = false;
            message.HasSiblings = followers[message.ParentId ?? Guid.Empty] > 1;
            newest[message.ParentId ?? Guid.Empty] = message;
        }

        while (last is not null && newest.TryGetValue(last.Id, out var follower))
            last = follower;
        for (var next = last; next is not null; next = next.ParentId is { } parent ? byId[parent] : null)
            next.IsOnBranch = true;
        Session.LastPosition = Messages.Count;
        return this;
    }
}
