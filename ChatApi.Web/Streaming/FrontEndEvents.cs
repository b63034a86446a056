using System.Buffers;
using System.IO.Pipelines;
using ChatApi.Application.Runs;

namespace ChatApi.Web.Streaming;

/// <summary>
/// The dialect of ChatApi's own front ends. They split on <c>\n\n</c> and read the first line, which must begin <c>data: </c>, as
/// JSON; where they come back with <c>EventSource</c>, each event has an id, too.
/// </summary>
internal sealed class FrontEndEvents(PipeWriter output, Guid runId, bool isResumable) : EventDialect(output, runId)
{
    private bool _isBegun;

    public override void Write(RunEvent item)
    {
        BeginData();
        RunEventJson.Write(Json, item);
        EndData();
        if (isResumable)
        {
            WriteId(RunEventJson.Seq(item));
            if (!_isBegun)
                Output.Write("\nretry: 2000"u8);
        }

        EndEvent();
        _isBegun = true;
    }
}
