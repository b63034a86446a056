using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>The OpenAPI document in the repository, which a test holds to be the one that is served.</summary>
public sealed class ApiDescription
{
    private readonly JsonElement _document = JsonDocument.Parse(File.ReadAllBytes(Repository.File("docs", "openapi.json"))).RootElement;

    private ApiDescription() => Operations =
    [
        .. from path in _document.GetProperty("paths").EnumerateObject()
           from operation in path.Value.EnumerateObject()
           select new ApiOperation(this, HttpMethod.Parse(operation.Name), path.Name, operation.Value),
    ];

    public static ApiDescription Instance { get; } = new();

    public IReadOnlyList<ApiOperation> Operations { get; }

    /// <summary>A schema by its name.</summary>
    public JsonElement Schema(string name) => _document.GetProperty("components").GetProperty("schemas").GetProperty(name);

    /// <summary>The schema itself, where this may be a reference to it.</summary>
    public JsonElement Resolve(JsonElement schema) => schema.TryGetProperty("$ref", out var reference)
        ? reference.GetString()!.Split('/').Skip(1).Aggregate(_document, (element, name) => element.GetProperty(name))
        : schema;
}

/// <summary>One operation of the document.</summary>
public sealed class ApiOperation(ApiDescription api, HttpMethod method, string path, JsonElement json)
{
    public string Id { get; } = json.GetProperty("operationId").GetString()!;

    public HttpMethod Method => method;

    /// <summary>With its parameters in braces.</summary>
    public string Path => path;

    public bool NeedsToken => json.GetProperty("security").GetArrayLength() > 0;

    public bool NeedsBody => HasBody && json.GetProperty("requestBody").TryGetProperty("required", out var required) && required.GetBoolean();

    public bool HasBody => json.TryGetProperty("requestBody", out _);

    public JsonElement BodySchema => api.Resolve(BodyMedia.GetProperty("schema"));

    /// <summary>The fields of a body, those of the first kind where there are several.</summary>
    public JsonElement BodyFields => (BodySchema.TryGetProperty("oneOf", out var kinds) ? api.Resolve(kinds[0]) : BodySchema).GetProperty("properties");

    public JsonElement BodyExample => BodyMedia.GetProperty("example");

    /// <summary>The names of the parameters in the path, the query or a header, with their schemas.</summary>
    public IReadOnlyList<(string Name, JsonElement Schema)> Parameters(string place) => !json.TryGetProperty("parameters", out var all)
        ? []
        : [.. all.EnumerateArray()
            .Where(parameter => parameter.GetProperty("in").GetString() == place)
            .Select(parameter => (parameter.GetProperty("name").GetString()!, api.Resolve(parameter.GetProperty("schema"))))];

    /// <summary>What is said of an answer with this status; null if nothing is.</summary>
    public JsonElement? Response(int status) =>
        json.GetProperty("responses").TryGetProperty(status.ToString(System.Globalization.CultureInfo.InvariantCulture), out var response) ? response : null;

    public override string ToString() => $"{method} {path}";

    private JsonElement BodyMedia => json.GetProperty("requestBody").GetProperty("content").GetProperty("application/json");
}
