using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ChatApi.Application.Limits;
using ChatApi.Domain;

namespace ChatApi.Application.Runs;

/// <summary>A question as it came in.</summary>
/// <param name="Door">The operation that was called.</param>
/// <param name="Caller">Who asks.</param>
/// <param name="SessionId">The conversation; null for a new one.</param>
/// <param name="Content">The question; null where a stored one is answered anew.</param>
/// <param name="Key">The request's <c>Idempotency-Key</c>, if it has one.</param>
internal sealed record Turn(string Door, Caller Caller, Guid? SessionId, string? Content, string? Key)
{
    /// <summary>The user.</summary>
    public Guid UserId => Caller.UserId;

    /// <summary>What is asked or answered anew; null where the branch just goes on.</summary>
    public Anew? Anew { get; init; }

    /// <summary>How the model is to reply.</summary>
    public ReplySettings Settings { get; init; } = ReplySettings.None;

    /// <summary>A JSON object of the client's, for the question.</summary>
    public string? Metadata { get; init; }

    /// <summary>What the client calls the conversation; null where it does not name it.</summary>
    public string? ChatId { get; init; }

    /// <summary>What the client calls the question; null where it does not name it.</summary>
    public string? ClientId { get; init; }

    /// <summary>The run that this turn is known to ask for again; it has a key, too.</summary>
    public Guid? RepeatedRunId { get; init; }

    /// <summary>What makes it the same request.</summary>
    public byte[] Hash => SHA256.HashData(Encoding.UTF8.GetBytes(Identity));

    /// <summary>The door, the conversation, the words, and whatever else is said; where the client gives names, they and the words.</summary>
    private string Identity
    {
        get
        {
            if (ChatId is not null)
                return $"{Door}\n{ChatId}\n{ClientId}\n{Content}";
            return Settings == ReplySettings.None && Metadata is null && Anew is null
                ? $"{Door}\n{SessionId}\n{Content}"
                : $"{Door}\n{SessionId}\n{Content}\n{Anew?.MessageId}\n{JsonSerializer.Serialize(Settings)}\n{Metadata}";
        }
    }
}

/// <summary>What is asked or answered anew.</summary>
/// <param name="MessageId">The question, or its reply; null for the end of the branch.</param>
internal sealed record Anew(Guid? MessageId);

/// <summary>A run, and the execution of it that has just begun here.</summary>
/// <param name="Run">The run.</param>
/// <param name="Active">Its execution; null if the run was started before, by the same request, or has been ended by somebody else.</param>
internal sealed record StartedRun(Run Run, ActiveRun? Active)
{
    /// <summary>Whether nothing was started.</summary>
    public bool IsReplay => Active is null;
}
