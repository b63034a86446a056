using ChatApi.Application.Accounts;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>
/// Says which fields a request needs. The records take null for all of them, so that a missing one gets the validator's
/// sentence and not the JSON reader's.
/// </summary>
internal sealed class RequestSchemas : ISchemaFilter
{
    private static readonly Dictionary<Type, string[]> Required = new()
    {
        [typeof(RegisterRequest)] = ["email", "password"],
        [typeof(LoginRequest)] = ["email", "password"],
        [typeof(ChatRequest)] = ["content"],
        [typeof(SendMessageRequest)] = ["content"],
        [typeof(CreateMessageRequest)] = ["role", "content"],
    };

    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Properties: { } properties } concrete || !Required.TryGetValue(context.Type, out var required))
            return;
        concrete.Required = required.ToHashSet();
        foreach (var name in required)
            if (properties[name] is OpenApiSchema property)
                property.Type &= ~JsonSchemaType.Null;
    }
}
