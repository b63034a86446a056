using System.Text.Json.Nodes;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>Shows an example of each body, and one way only to send it.</summary>
internal sealed class ExampleFilter : IOperationFilter
{
    private const string Json = "application/json";

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var (request, response) = Examples.ByOperation[operation.OperationId!];
        if (operation.RequestBody is OpenApiRequestBody { Content: { } bodies } && request is not null)
        {
            var body = bodies[Json];
            bodies.Clear();
            bodies[Json] = body;
            Show(body, request);
        }

        if (operation.OperationId == "create_message")
            ShowBothAnswers(operation, context);
        var success = operation.Responses!.First(pair => pair.Key[0] == '2').Value;
        if (operation.OperationId == "export_session")
            success.Content!["text/markdown"] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Example = Examples.Markdown };
        if (response is not null && success.Content?.TryGetValue(Json, out var media) == true)
            Show(media, response);
    }

    /// <summary>Its answer depends on the role, which attributes cannot say.</summary>
    private static void ShowBothAnswers(OpenApiOperation operation, OperationFilterContext context) =>
        operation.Responses!["201"].Content![Json].Schema = new OpenApiSchema
        {
            OneOf =
            [
                context.SchemaGenerator.GenerateSchema(typeof(TurnResponse), context.SchemaRepository),
                context.SchemaGenerator.GenerateSchema(typeof(MessageResponse), context.SchemaRepository),
            ],
        };

    private static void Show(OpenApiMediaType media, string example) => media.Example = JsonNode.Parse(example);
}
