using System.Collections.Concurrent;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Soak;

/// <summary>A question, the reply that the model is told to give, and what viewers saw of it.</summary>
public sealed class SoakTurn(ApiClient user, string sessionId, int number, Random random)
{
    private readonly int _pieces = random.Next(5, 120);
    private readonly int _pace = random.Next(5, 80);

    public ApiClient User => user;

    public string SessionId => sessionId;

    /// <summary>Unlike any other.</summary>
    public string Question { get; } = $"soak {number}";

    public (string Name, string Value) Key { get; } = ("Idempotency-Key", $"soak-{number}");

    /// <summary>The words of the model, to the end.</summary>
    public string Text => string.Concat(Pieces);

    public string? RunId { get; set; }

    public string? MessageId { get; set; }

    public bool IsStopAsked { get; set; }

    /// <summary>The text that each viewer had when it left or saw the end, and that end.</summary>
    public ConcurrentBag<(string Text, ReceivedEvent? End)> Seen { get; } = [];

    public ScriptedUpstreamReply Script => ScriptedUpstreamReply.Paced(TimeSpan.FromMilliseconds(_pace), Pieces);

    private IEnumerable<string> Pieces => Enumerable.Range(0, _pieces).Select(piece => $"{number}.{piece} ñ👋 ");
}
