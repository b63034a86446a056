using ChatApi.Application.Transfers;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>An import is one of two kinds of files, which no type says.</summary>
internal sealed class ImportSchema : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (context.Type != typeof(ImportRequest) || schema is not OpenApiSchema file)
            return;
        (file.Type, file.Properties, file.Required) = (null, null, null);
        file.OneOf =
        [
            new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "An export (docs/export.schema.json).",
                Required = new HashSet<string> { "version", "sessions" },
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    ["version"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "1" },
                    ["sessions"] = Objects("The conversations."),
                },
            },
            Objects("ChatGPT's conversations.json."),
        ];
    }

    private static OpenApiSchema Objects(string description) => new()
    {
        Type = JsonSchemaType.Array,
        Description = description,
        Items = new OpenApiSchema { Type = JsonSchemaType.Object },
    };
}
