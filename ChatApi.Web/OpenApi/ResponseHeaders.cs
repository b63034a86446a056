using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>Names the response headers that clients read.</summary>
internal sealed class ResponseHeaders : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var isList = operation.OperationId?.StartsWith("list_", StringComparison.Ordinal) == true;
        foreach (var (status, response) in operation.Responses!)
        {
            Add(response, "X-Request-ID", "The request's id: the client's, if it sent a sane one.");
            if (status == "200" && isList)
                Add(response, "Link", "`<…>; rel=\"next\"` where there are more pages (RFC 8288).");
            if (status == "201" && operation.OperationId != "register")
                Add(response, "Location", "Where it is.");
            if (status is "429" or "503")
                Add(response, "Retry-After", "When another try is worth it, in seconds.");
            if (status is "401")
                Add(response, "WWW-Authenticate", "`Bearer`.");
        }
    }

    private static void Add(IOpenApiResponse response, string name, string description)
    {
        if (response is OpenApiResponse concrete)
            (concrete.Headers ??= new Dictionary<string, IOpenApiHeader>())[name] =
                new OpenApiHeader { Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
    }
}
