namespace ChatApi.Domain;

/// <summary>One message of a session.</summary>
public sealed class ChatMessage
{
    /// <summary>UUID version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The session it belongs to.</summary>
    public required Guid SessionId { get; init; }

    /// <summary>Its place in the session, from 1, unique and rising; deleted messages leave gaps.</summary>
    public required int Position { get; init; }

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
}
