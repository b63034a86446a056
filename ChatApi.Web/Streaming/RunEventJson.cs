using System.Text.Json;
using ChatApi.Application.Runs;
using ChatApi.Domain;

namespace ChatApi.Web.Streaming;

/// <summary>The JSON of each event.</summary>
internal static class RunEventJson
{
    /// <summary>The event's place in the run, for cursors.</summary>
    public static int Seq(RunEvent item) => item switch
    {
        RunEvent.Content content => content.Seq,
        RunEvent.Done done => done.Seq,
        RunEvent.Failed failed => failed.Seq,
        _ => 0,
    };

    public static void Write(Utf8JsonWriter json, RunEvent item)
    {
        json.WriteStartObject();
        switch (item)
        {
            case RunEvent.Content content:
                json.WriteString("type"u8, "content"u8);
                json.WriteString("content"u8, content.Text);
                json.WriteNumber("seq"u8, content.Seq);
                break;
            case RunEvent.Started started:
                json.WriteString("type"u8, "start"u8);
                json.WriteString("session_id"u8, started.SessionId);
                json.WriteString("run_id"u8, started.RunId);
                json.WriteString("message_id"u8, started.MessageId);
                json.WriteString("user_message_id"u8, started.UserMessageId);
                break;
            case RunEvent.Done done:
                json.WriteString("type"u8, "done"u8);
                json.WriteString("message_id"u8, done.MessageId);
                json.WriteString("full_content"u8, done.FullContent);
                json.WriteString("finish_reason"u8, done.FinishReason);
                json.WriteString("model"u8, done.Model);
                WriteUsage(json, done.Usage);
                json.WriteNumber("seq"u8, done.Seq);
                break;
            case RunEvent.Failed failed:
                json.WriteString("type"u8, "error"u8);
                json.WriteString("error"u8, failed.Error);
                json.WriteString("code"u8, failed.Code);
                json.WriteBoolean("retryable"u8, failed.Retryable);
                json.WriteString("message_id"u8, failed.MessageId);
                json.WriteNumber("seq"u8, failed.Seq);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter json, TokenUsage? usage)
    {
        if (usage is null)
        {
            json.WriteNull("usage"u8);
            return;
        }

        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, usage.PromptTokens);
        json.WriteNumber("completion_tokens"u8, usage.CompletionTokens);
        json.WriteNumber("total_tokens"u8, usage.TotalTokens);
        if (usage.Estimated)
            json.WriteBoolean("estimated"u8, true);
        json.WriteEndObject();
    }
}
