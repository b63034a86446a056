using System.Buffers;
using System.IO.Pipelines;
using ChatApi.Application.Runs;
using ChatApi.Domain;

namespace ChatApi.Web.Streaming;

/// <summary>
/// The dialect of the Vercel AI SDK, its UI message stream. Clients of version 5 break at parts and fields that they do not know, so
/// it has none that came later: what there is more to say stands in <c>messageMetadata</c>, which is anything, and in the <c>id:</c>
/// line, which they ignore.
/// </summary>
internal sealed class UIMessageEvents(PipeWriter output, Guid runId) : EventDialect(output, runId)
{
    public const string Header = "x-vercel-ai-ui-message-stream";
    public const string Version = "v1";

    /// <summary>A reply has one part, the text.</summary>
    private static ReadOnlySpan<byte> PartId => "text"u8;

    private bool _isTextOpen;

    public override void Write(RunEvent item)
    {
        switch (item)
        {
            case RunEvent.Content content:
                if (!_isTextOpen)
                    WritePart("text-start"u8);
                _isTextOpen = true;
                Begin("text-delta"u8);
                Json.WriteString("id"u8, PartId);
                Json.WriteString("delta"u8, content.Text);
                End(content.Seq);
                break;
            case RunEvent.Started started:
                Begin("start"u8);
                Json.WriteString("messageId"u8, started.MessageId);
                End(0);
                WriteBare("start-step"u8);
                break;
            case RunEvent.Done done:
                CloseText();
                WriteBare("finish-step"u8);
                var isStopped = done.FinishReason == RunEvent.Done.Stopped;
                Begin(isStopped ? "message-metadata"u8 : "finish"u8);
                WriteMetadata(done, isStopped);
                End(done.Seq);
                if (isStopped)
                    WriteBare("abort"u8);
                WriteEnd();
                break;
            case RunEvent.Failed failed:
                CloseText();
                Begin("error"u8);
                Json.WriteString("errorText"u8, failed.Error);
                End(failed.Seq);
                WriteEnd();
                break;
        }
    }

    private void Begin(ReadOnlySpan<byte> type)
    {
        BeginData();
        Json.WriteStartObject();
        Json.WriteString("type"u8, type);
    }

    private void End(int? seq = null)
    {
        Json.WriteEndObject();
        EndData();
        if (seq is { } cursor)
            WriteId(cursor);
        EndEvent();
    }

    private void WriteBare(ReadOnlySpan<byte> type)
    {
        Begin(type);
        End();
    }

    private void WritePart(ReadOnlySpan<byte> type)
    {
        Begin(type);
        Json.WriteString("id"u8, PartId);
        End();
    }

    private void CloseText()
    {
        if (_isTextOpen)
            WritePart("text-end"u8);
    }

    private void WriteEnd() => Output.Write("data: [DONE]\n\n"u8);

    /// <summary>What the messages of a conversation say of a reply, too.</summary>
    private void WriteMetadata(RunEvent.Done done, bool isStopped)
    {
        Json.WriteStartObject("messageMetadata"u8);
        Json.WriteString("status"u8, isStopped ? "stopped"u8 : "completed"u8);
        Json.WriteString("finishReason"u8, done.FinishReason);
        Json.WriteString("model"u8, done.Model);
        if (done.Usage is { } usage)
            WriteUsage(usage);
        else
            Json.WriteNull("usage"u8);
        Json.WriteEndObject();
    }

    private void WriteUsage(TokenUsage usage)
    {
        Json.WriteStartObject("usage"u8);
        Json.WriteNumber("inputTokens"u8, usage.PromptTokens);
        Json.WriteNumber("outputTokens"u8, usage.CompletionTokens);
        Json.WriteNumber("totalTokens"u8, usage.TotalTokens);
        Json.WriteBoolean("estimated"u8, usage.Estimated);
        Json.WriteEndObject();
    }
}
