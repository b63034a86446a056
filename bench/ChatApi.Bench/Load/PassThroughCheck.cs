using ChatApi.Bench.Upstream;

namespace ChatApi.Bench.Load;

/// <summary>The reply of the upstream itself, or of a proxy that changes nothing: the same bytes.</summary>
internal sealed class PassThroughCheck(ReplyScript script, uint seed) : ReplyCheck(script, seed)
{
    private int _offset;

    public override bool HasFirstPiece => _offset >= Script.FirstPieceEnd;

    public override bool HasLastPiece => _offset >= Script.LastPieceEnd;

    public override int Feed(ReadOnlySpan<byte> body)
    {
        if (!Script.Body.Matches(body, _offset, Seed))
            throw new WrongReplyException($"Other bytes than the upstream's after {_offset}.");
        _offset += body.Length;
        return body.Length;
    }

    public override void End()
    {
        if (_offset != Script.Body.Length)
            throw new WrongReplyException($"Ended after {_offset} of {Script.Body.Length} bytes.");
    }
}
