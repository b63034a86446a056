using System.Text;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.AnyBytes;

/// <summary>A request, byte by byte, and what is known of its answer beforehand.</summary>
internal sealed class GeneratedRequest
{
    /// <summary>The operation that it calls; null if its address, its method or its very framing is another.</summary>
    public ApiOperation? Operation { get; set; }

    /// <summary>What was done to it, for people.</summary>
    public List<string> Changes { get; } = [];

    public byte[] Bytes { get; set; } = [];

    /// <summary>The body, before it was framed; null for none.</summary>
    public byte[]? Body { get; set; }

    /// <summary>Whether it may be no request that reaches an application: then the server itself answers, without a body.</summary>
    public bool IsForServer { get; set; }

    /// <summary>Whether its framing was changed: the server may also wait for more, or hang up.</summary>
    public bool IsBroken { get; set; }

    /// <summary>Whether nothing was changed: it must succeed.</summary>
    public bool IsPlain => Changes.Count == 0;

    /// <summary>The only status it can have; null if that is not known.</summary>
    public int? OnlyStatus { get; set; }

    /// <summary>Whether its query was changed: one that cannot be read is refused before anybody looks at the rest.</summary>
    public bool HasOddQuery { get; set; }

    /// <summary>Whether the model will fail.</summary>
    public bool IsModelToFail { get; set; }

    public override string ToString()
    {
        var text = Encoding.Latin1.GetString(Bytes.AsSpan(0, Math.Min(Bytes.Length, 1500)));
        var visible = string.Concat(text.Select(character => character is >= ' ' and < '\x7f' or '\n' ? character.ToString() : $"\\x{(int)character:x2}"));
        return $"{Operation?.Id ?? "no operation"} [{string.Join(", ", Changes)}] of {Bytes.Length} bytes:\n{visible}";
    }
}
