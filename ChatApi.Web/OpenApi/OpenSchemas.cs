using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>Unknown fields of requests are ignored, and responses may get new ones: no client should be generated that refuses them.</summary>
internal sealed class OpenSchemas : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is OpenApiSchema concrete)
            concrete.AdditionalPropertiesAllowed = true;
    }
}
