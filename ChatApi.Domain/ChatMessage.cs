namespace ChatApi.Domain;

/// <summary>One message of a session.</summary>
public sealed class ChatMessage
{
    /// <summary>UUID version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>What a client that names its questions itself calls this one, unique per session; null where none did.</summary>
    public string? ClientId { get; set; }

    /// <summary>The session it belongs to.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>The session's owner.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The message that it follows; null for the first of a session. What is asked or answered anew is a sibling: it follows the same.</summary>
    public Guid? ParentId { get; set; }

    /// <summary>Its place in the session, from 1, unique and rising; deleted messages and changes of branch leave gaps. A parent's is lower.</summary>
    public required int Position { get; set; }

    /// <summary>Whether it belongs to the branch that the session shows. Those that do are the branch, in the order of their positions.</summary>
    public bool IsOnBranch { get; set; } = true;

    /// <summary>Whether other messages follow the same one, or did: only then is it worth looking for them.</summary>
    public bool HasSiblings { get; set; }

    /// <summary>Who said it.</summary>
    public required MessageRole Role { get; init; }

    /// <summary>The text, exactly as it was given; empty while a reply is being made.</summary>
    public required string Content { get; set; }

    /// <summary>UTC, in whole microseconds.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>Whether the text is whole. What people write always is.</summary>
    public RunStatus Status { get; set; } = RunStatus.Completed;

    /// <summary>Why the model ended, in its own word (<c>stop</c>, <c>length</c>, …); null where none did.</summary>
    public string? FinishReason { get; set; }

    /// <summary>The model that made it, as it names itself; null where none did.</summary>
    public string? Model { get; set; }

    /// <summary>What it cost; null where no model made it.</summary>
    public TokenUsage? Usage { get; set; }

    /// <summary>A JSON object of the client's, as it was given; null for none.</summary>
    public string? Metadata { get; set; }

    /// <summary>What its reader thinks of a reply; null where nobody said.</summary>
    public Feedback? Feedback { get; set; }
}
