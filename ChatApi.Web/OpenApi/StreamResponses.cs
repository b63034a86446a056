using ChatApi.Web.Streaming;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>Documents the events of the streams, with an example of each.</summary>
internal sealed class StreamResponses : IOperationFilter
{
    private const string Events =
        """
        Each event is one line `data: <json>` and an empty line. `start` comes first; `content` carries the next piece of the
        text, as often as needed; exactly one `done` or `error` comes last, and the connection closes. The `content` of all
        events together is `full_content`. A line `: ping` is sent after 15 s of silence.
        """;

    private const string UIEvents =
        """
        The UI message stream (v1) of the Vercel AI SDK, as `useChat` with `DefaultChatTransport` reads it, from version 5 on. Each event
        is one line `data: <json>`, for some an `id: <run_id>:<seq>` line, and an empty line; `data: [DONE]` comes last. The text of all
        `text-delta` is the reply. A line `: ping` is sent after 15 s of silence.
        """;

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        if (operation.OperationId is "stream_ui_message" or "resume_ui_message")
        {
            Describe(
                operation, UIEvents, "The AI SDK's UI message stream.",
                Examples.UIEvents.Select(item => (item.Name, item.Summary, item.Seq is { } seq ? Text(item.Json, seq, true) : Text(item.Json, 0, false))));
            operation.Responses!["200"].Headers![UIMessageEvents.Header] = Header($"`{UIMessageEvents.Version}`.");
        }

        if (operation.OperationId is not ("stream_reply" or "edit_message" or "regenerate_reply" or "resume_reply"))
            return;
        var isResumable = operation.OperationId == "resume_reply";
        Describe(
            operation,
            isResumable ? $"{Events}\n\nEach event has an `id: <run_id>:<seq>` line after its `data:` line; `retry: 2000` is sent once." : Events,
            "Server-Sent Events: `start`, `content` as often as needed, then one `done` or `error`.",
            Examples.Events.Select(item => (item.Name, item.Summary, Text(item.Json, item.Seq, isResumable))));
        if (isResumable)
            DescribeCursor(operation);
    }

    /// <summary>The action takes text, so that what is none of its cursors gets the sentence of all that is none.</summary>
    private static void DescribeCursor(OpenApiOperation operation)
    {
        var parameters = operation.Parameters!;
        foreach (var parameter in parameters.OfType<OpenApiParameter>())
            parameter.Schema = parameter.Name switch
            {
                "run_id" => new OpenApiSchema { Type = JsonSchemaType.String, Format = "uuid" },
                "after" => new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "0" },
                _ => parameter.Schema,
            };
        parameters.Add(new OpenApiParameter
        {
            Name = "Last-Event-ID",
            In = ParameterLocation.Header,
            Description = "`<run_id>:<seq>` of the last event that arrived; `EventSource` sends it by itself.",
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });
    }

    private static void Describe(
        OpenApiOperation operation, string description, string response, IEnumerable<(string Name, string Summary, string Text)> events)
    {
        operation.Description = string.IsNullOrEmpty(operation.Description) ? description : $"{operation.Description}\n\n{description}";
        operation.Responses!["200"] = new OpenApiResponse
        {
            Description = response,
            Headers = new Dictionary<string, IOpenApiHeader>
            {
                ["Cache-Control"] = Header("`no-cache, no-transform`."),
                ["X-Accel-Buffering"] = Header("`no`: nginx passes each event on."),
            },
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["text/event-stream"] = new OpenApiMediaType
                {
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                    Examples = events.ToDictionary(
                        item => item.Name, IOpenApiExample (item) => new OpenApiExample { Summary = item.Summary, Value = item.Text }),
                },
            },
        };
    }

    private static OpenApiHeader Header(string description) => new() { Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };

    private static string Text(string json, int seq, bool isResumable) =>
        isResumable ? $"data: {json}\nid: {Examples.RunId}:{seq}\n\n" : $"data: {json}\n\n";
}
