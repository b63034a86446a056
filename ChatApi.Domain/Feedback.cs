namespace ChatApi.Domain;

/// <summary>What the reader of a reply thinks of it.</summary>
/// <param name="Rating">Good or bad.</param>
/// <param name="Comment">Why, 2 000 characters at most; null for no reason.</param>
/// <param name="RatedAt">UTC, in whole microseconds.</param>
public sealed record Feedback(Rating Rating, string? Comment, DateTime RatedAt);

/// <summary>Good or bad.</summary>
public enum Rating
{
    /// <summary>Good.</summary>
    Up,

    /// <summary>Bad.</summary>
    Down,
}
