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

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        if (operation.OperationId is not ("stream_reply" or "resume_reply"))
            return;
        var isResumable = operation.OperationId == "resume_reply";
        operation.Description = isResumable
            ? $"{Events}\nEach event has an `id: <run_id>:<seq>` line after its `data:` line; `retry: 2000` is sent once."
            : Events;
        operation.Responses!["200"] = new OpenApiResponse
        {
            Description = "Server-Sent Events: `start`, `content` as often as needed, then one `done` or `error`.",
            Headers = new Dictionary<string, IOpenApiHeader>
            {
                ["Cache-Control"] = new OpenApiHeader { Description = "`no-cache, no-transform`.", Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
                ["X-Accel-Buffering"] = new OpenApiHeader { Description = "`no`: nginx passes each event on.", Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
            },
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["text/event-stream"] = new OpenApiMediaType
                {
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                    Examples = Examples.Events.ToDictionary(
                        item => item.Name,
                        IOpenApiExample (item) => new OpenApiExample { Summary = item.Summary, Value = Text(item.Json, item.Seq, isResumable) }),
                },
            },
        };
        if (isResumable)
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = "Last-Event-ID",
                In = ParameterLocation.Header,
                Description = "`<run_id>:<seq>` of the last event that arrived; `EventSource` sends it by itself.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
    }

    private static string Text(string json, int seq, bool isResumable) =>
        isResumable ? $"data: {json}\nid: {Examples.RunId}:{seq}\n\n" : $"data: {json}\n\n";
}
