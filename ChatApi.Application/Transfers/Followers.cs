using System.Runtime.InteropServices;
using ChatApi.Application.Errors;
using ChatApi.Application.Messages;
using ChatApi.Domain;

namespace ChatApi.Application.Transfers;

/// <summary>Counts the messages of a conversation that follow the same one.</summary>
internal sealed class Followers
{
    private readonly Dictionary<Guid, int> _counts = [];

    /// <exception cref="InvalidRequestException">There are too many.</exception>
    public void Add(ChatMessage? parent, Field field)
    {
        if (++CollectionsMarshal.GetValueRefOrAddDefault(_counts, parent?.Id ?? Guid.Empty, out _) > Branches.MaxSiblings)
            throw field.Wrong($"is one too many: no more than {Branches.MaxSiblings} messages may follow the same one.");
    }
}
