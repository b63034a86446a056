using ChatApi.Web.Controllers;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>Names the headers that clients send and read.</summary>
internal sealed class HeaderDescriptions : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var isList = operation.OperationId?.StartsWith("list_", StringComparison.Ordinal) == true;
        var startsRun = context.MethodInfo.IsDefined(typeof(StartsRunAttribute), false);
        if (startsRun)
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = IdempotencyKey.Header,
                In = ParameterLocation.Header,
                Description = "1 to 255 visible ASCII characters. The same key with the same request leads to the same reply, for 24 hours: "
                    + "nothing is asked or paid twice. With another request it is 422.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = 255 },
            });
        foreach (var (status, response) in operation.Responses!)
        {
            Add(response, "X-Request-ID", "The request's id: the client's, if it sent a sane one.");
            if (status == "200" && isList)
                Add(response, "Link", "`<…>; rel=\"next\"` where there are more pages (RFC 8288).");
            if (status == "200" && (operation.OperationId is "export_session" or "export_all"))
                Add(response, "Content-Disposition", "`attachment`, with the name of the file.");
            if (status == "201" && operation.OperationId != "register")
                Add(response, "Location", "Where it is.");
            if (status is "200" or "201" or "204" or "429")
            {
                Add(response, "RateLimit-Policy", "The limits that the request counts for: `q` in `w` seconds.");
                Add(response, "RateLimit", "What is left of them: `r`, all of it again in `t` seconds.");
            }

            if (status is "429" or "503")
                Add(response, "Retry-After", "When another try is worth it, in seconds.");
            if (status is "200" or "201" && startsRun)
                Add(response, "Idempotency-Replayed", "`true` where an earlier request with the same `Idempotency-Key` had asked already.");
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
