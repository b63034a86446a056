using System.Reflection;
using System.Text.Json;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>
/// Says of what is described elsewhere that it may be null, which a mere reference cannot: where it is referred to, as generators read it, and
/// where it is described, because by the letter of OpenAPI 3.0 a value has to be right by both.
/// </summary>
internal sealed class NullableReferences : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Properties: { } properties })
            return;

        // Not one for all: it keeps what it has seen, and the document may be asked for twice at once.
        var nullability = new NullabilityInfoContext();
        foreach (var property in context.Type.GetProperties())
        {
            var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            if (properties.TryGetValue(name, out var described) && described is OpenApiSchemaReference reference
                && nullability.Create(property).ReadState == NullabilityState.Nullable)
            {
                properties[name] = new OpenApiSchema { Type = JsonSchemaType.Object | JsonSchemaType.Null, AllOf = [reference], Description = reference.Description };
                if (context.SchemaRepository.Schemas[reference.Reference.Id!] is OpenApiSchema target)
                    target.Type |= JsonSchemaType.Null;
            }
        }
    }
}
