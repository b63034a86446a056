using Microsoft.AspNetCore.Authorization;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>Says which operations need a token.</summary>
internal sealed class SecurityRequirements(string scheme) : IOperationFilter
{
    public static bool NeedsToken(OperationFilterContext context) =>
        context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<IAuthorizeData>().Any();

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        // None is said, too: a generator cannot tell what was left out from what was forgotten.
        operation.Security = NeedsToken(context)
            ? [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(scheme, context.Document)] = [] }]
            : [];
    }
}
