using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>Says which requests need a body: all that have one, but for those that say that it may be empty.</summary>
internal sealed class RequiredBodies : IRequestBodyFilter
{
    public void Apply(IOpenApiRequestBody requestBody, RequestBodyFilterContext context)
    {
        if (requestBody is OpenApiRequestBody concrete)
            concrete.Required = context.BodyParameterDescription.ParameterDescriptor.BindingInfo?.EmptyBodyBehavior != EmptyBodyBehavior.Allow;
    }
}
