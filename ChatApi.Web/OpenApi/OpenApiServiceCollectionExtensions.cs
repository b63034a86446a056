using System.Text.Json;
using ChatApi.Application;
using ChatApi.Domain;
using Microsoft.OpenApi;

namespace ChatApi.Web.OpenApi;

/// <summary>The OpenAPI document and the pages that show it.</summary>
internal static class OpenApiServiceCollectionExtensions
{
    private const string Scheme = "Bearer";

    private const string Description =
        """
        A REST API for AI chat. Users sign in with a JWT, keep conversations, and get the model's reply streamed as
        Server-Sent Events (`/api/chat/realtime/…`) or whole (`/api/chat/…`).

        Sign in with `POST /api/auth/login`, press **Authorize** and paste the `token`. Errors are `application/problem+json`
        with a human sentence in `error` and a stable `code`. Lists are bare arrays; the `Link` header leads to the next page.
        A reply belongs to the server: a client that leaves stops nothing, and can come back with `GET …/stream`.
        """;

    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services) => services.AddSwaggerGen(options =>
    {
        options.SwaggerDoc("v1", new OpenApiInfo
        {
            Title = "ChatApi",
            Version = "v1",
            Description = Description,
            License = new OpenApiLicense { Name = "MIT", Url = new Uri("https://spdx.org/licenses/MIT.html") },
        });
        options.AddServer(new OpenApiServer { Url = "/", Description = "Where this document comes from." });
        options.CustomOperationIds(action => action.ActionDescriptor.AttributeRouteInfo?.Name);
        options.SupportNonNullableReferenceTypes();
        options.NonNullableReferenceTypesAsRequired();
        foreach (var assembly in new[] { typeof(Program).Assembly, typeof(ApplicationServiceCollectionExtensions).Assembly, typeof(Run).Assembly })
            options.IncludeXmlComments(assembly, includeControllerXmlComments: true);
        options.AddSecurityDefinition(Scheme, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            BearerFormat = "JWT",
            Description = "The `token` of `POST /api/auth/login` or `POST /api/auth/register`, without the word Bearer.",
        });
        options.OperationFilter<SecurityRequirements>(Scheme);
        options.OperationFilter<StreamResponses>();
        options.OperationFilter<ProblemResponses>();
        options.OperationFilter<HeaderDescriptions>();
        options.OperationFilter<ExampleFilter>();
        // Objects of the clients'.
        options.MapType<JsonElement>(() => new OpenApiSchema { Type = JsonSchemaType.Object | JsonSchemaType.Null });
        options.SchemaFilter<OpenSchemas>();
        options.SchemaFilter<NullableReferences>();
        options.SchemaFilter<RequestSchemas>();
        options.SchemaFilter<ImportSchema>();
        options.RequestBodyFilter<RequiredBodies>();
    });

    public static IApplicationBuilder UseSwaggerPages(this IApplicationBuilder app) => app
        .UseSwagger()
        .UseSwaggerUI(options =>
        {
            options.SwaggerEndpoint("v1/swagger.json", "ChatApi v1");
            options.DocumentTitle = "ChatApi";
            options.EnablePersistAuthorization();
            options.DisplayRequestDuration();
        });
}
