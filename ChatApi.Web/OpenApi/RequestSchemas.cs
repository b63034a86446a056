using ChatApi.Application.Accounts;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using ChatApi.Application.Sessions;
using ChatApi.Application.Shares;
using ChatApi.Application.UIChats;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>
/// Says which fields a request needs, and how long they may be. The records take null for all of them, so that a missing one gets the
/// validator's sentence and not the JSON reader's. Tests send what is just in these bounds, and just out of them.
/// </summary>
internal sealed class RequestSchemas : ISchemaFilter
{
    private const int MaxContent = 32_000;
    private const int MaxTitle = 200;
    private const int MaxComment = 2000;

    private static readonly Dictionary<Type, (string Name, bool IsRequired, int? MinLength, int? MaxLength)[]> Fields = new()
    {
        [typeof(RegisterRequest)] = [("email", true, 3, 320), ("password", true, 8, 200), ("name", false, null, 100)],
        [typeof(LoginRequest)] = [("email", true, null, null), ("password", true, null, null)],
        [typeof(DeleteAccountRequest)] = [("password", true, null, null)],
        [typeof(CreateSessionRequest)] = [("title", false, null, MaxTitle)],
        [typeof(StartSessionRequest)] = [("title", false, null, MaxTitle), ("initial_message", false, null, MaxContent)],
        [typeof(UpdateSessionRequest)] = [("title", false, 1, MaxTitle)],
        [typeof(ReplaceSessionRequest)] = [("title", true, 1, MaxTitle)],
        [typeof(ChatRequest)] = [("content", true, 1, MaxContent)],
        [typeof(SendMessageRequest)] = [("content", true, 1, MaxContent)],
        [typeof(EditMessageRequest)] = [("message_id", true, null, null), ("content", true, 1, MaxContent)],
        [typeof(ReplaceMessageRequest)] = [("content", true, 1, MaxContent)],
        [typeof(ShowBranchRequest)] = [("message_id", true, null, null)],
        [typeof(FeedbackRequest)] = [("rating", true, null, null), ("comment", false, null, MaxComment)],
        [typeof(UIChatRequest)] = [("id", true, 1, 128), ("messages", true, null, null), ("trigger", false, null, null)],
        [typeof(UIMessage)] = [("id", true, 1, 128), ("role", true, null, null), ("parts", true, null, null)],
        [typeof(UIPart)] = [("type", true, null, null), ("text", true, null, MaxContent)],
        [typeof(CreateMessageRequest)] = [("role", true, null, null), ("content", true, 1, MaxContent)],
    };

    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Properties: { } properties } concrete)
            return;
        if (context.Type.IsAssignableTo(typeof(SettingsRequest)))
            DescribeSettings(properties);
        if (context.Type == typeof(CreateShareRequest) && properties["expires_in_days"] is OpenApiSchema days)
            (days.Minimum, days.Maximum) = ("1", "3650");
        if (!Fields.TryGetValue(context.Type, out var fields))
            return;
        concrete.Required = fields.Where(field => field.IsRequired).Select(field => field.Name).ToHashSet();
        foreach (var field in fields)
        {
            if (properties[field.Name] is not OpenApiSchema property)
                continue;
            if (field.IsRequired)
                property.Type &= ~JsonSchemaType.Null;
            (property.MinLength, property.MaxLength) = (field.MinLength, field.MaxLength);
            if (field.Name == "role")
                property.Enum = ["user", "assistant"];
            if (field.Name == "rating")
                property.Enum = ["up", "down"];
        }
    }

    private static void DescribeSettings(IDictionary<string, IOpenApiSchema> properties)
    {
        Of("model").MaxLength = 200;
        Of("system_prompt").MaxLength = MaxContent;
        (Of("temperature").Minimum, Of("temperature").Maximum) = ("0", "2");
        (Of("top_p").ExclusiveMinimum, Of("top_p").Maximum) = ("0", "1");
        Of("max_output_tokens").Minimum = "1";
        Of("stop").MaxItems = 4;
        if (Of("stop").Items is OpenApiSchema stop)
            (stop.MinLength, stop.MaxLength) = (1, 64);

        OpenApiSchema Of(string name) => (OpenApiSchema)properties[name];
    }
}
