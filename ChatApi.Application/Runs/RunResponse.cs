using ChatApi.Domain;

namespace ChatApi.Application.Runs;

/// <summary>A run: one reply in the making, or made.</summary>
/// <param name="Id">UUID.</param>
/// <param name="SessionId">The conversation.</param>
/// <param name="UserMessageId">The question.</param>
/// <param name="MessageId">The reply.</param>
/// <param name="Status"><c>running</c>, <c>completed</c>, <c>stopped</c>, <c>failed</c> or <c>interrupted</c>.</param>
/// <param name="Content">The text so far.</param>
/// <param name="Seq">How many pieces the text has; the cursor to watch on from.</param>
/// <param name="ErrorCode">What went wrong; null if nothing did.</param>
/// <param name="FinishReason">Why the model ended, in its own word; null where it has not.</param>
/// <param name="Model">The model, as it names itself.</param>
/// <param name="Usage">What it cost; null while it runs.</param>
/// <param name="Context">What the model was shown beside the question.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="EndedAt">UTC; null while it runs.</param>
public sealed record RunResponse(
    Guid Id, Guid SessionId, Guid UserMessageId, Guid MessageId, RunStatus Status, string Content, int Seq, string? ErrorCode,
    string? FinishReason, string? Model, TokenUsage? Usage, RunContext Context, DateTime CreatedAt, DateTime? EndedAt);

/// <summary>What the model was shown beside the system prompt and the question.</summary>
/// <param name="MessageIds">The messages, oldest first.</param>
/// <param name="Tokens">Tokens of all that was shown, system prompt and question included; null until somebody has counted.</param>
/// <param name="Trimmed">How many of the latest messages were left out because they did not fit.</param>
public sealed record RunContext(IReadOnlyList<Guid> MessageIds, int? Tokens, int Trimmed);
