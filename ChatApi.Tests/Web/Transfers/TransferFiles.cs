using System.Text.Json;
using System.Text.Json.Nodes;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.Transfers;

/// <summary>Files to import, and what is to be said of exports.</summary>
internal static class TransferFiles
{
    /// <summary>What the documentation promises.</summary>
    public static JsonElement Schema { get; } = JsonDocument.Parse(File.ReadAllBytes(Repository.File("docs", "export.schema.json"))).RootElement;

    /// <summary>In what a file is not what the documentation promises, unnamed fields included; empty if in nothing.</summary>
    public static IEnumerable<string> Errors(JsonElement file) => new SchemaCheck(Resolve).Errors(Schema, file).Concat(Unnamed(Schema, file, "$"));

    /// <summary>Everything that there can be: branches, settings, all states, texts that are hard to keep.</summary>
    public static JsonObject Full() => new()
    {
        ["version"] = 1,
        ["sessions"] = new JsonArray(
            Session(
                "Ramas 🌳 \"<b>\" \u202e",
                Message("q1", null, "user", "¿Qué?\r\n\tSí \u2028 e\u0301 👩‍👩‍👧"),
                Message("a1", "q1", "assistant", "Uno", onBranch: false),
                Message("a2", "q1", "assistant", "Dos", status: "stopped"),
                Message("q2", "a2", "user", "  ¿Y después?  "),
                Message("a3", "q2", "assistant", "", status: "interrupted", onBranch: false),
                Message("a4", "q2", "assistant", new string('x', 40_000)),
                Message("q0", null, "user", "Otra primera", onBranch: false)),
            Session("Vacía"),
            Session("Sin rama", Message("only", null, "user", "¿Hola?", onBranch: false))),
    };

    public static JsonObject Session(string title, params JsonNode[] messages) => new()
    {
        ["title"] = title,
        ["title_chosen"] = false,
        ["created_at"] = "2024-02-29T23:59:59.123456Z",
        ["updated_at"] = "2024-03-02T00:00:00.000001Z",
        ["last_message_at"] = "2024-03-01T12:00:00Z",
        ["pinned"] = true,
        ["archived"] = true,
        ["model"] = "gpt-4o-mini",
        ["system_prompt"] = "",
        ["temperature"] = 0.25,
        ["max_output_tokens"] = 77,
        ["top_p"] = 1,
        ["stop"] = new JsonArray("fin", "👋"),
        ["metadata"] = JsonNode.Parse("""{"a":[1,2.50,{"ñ":null}],"deep":""" + new string('[', 15) + new string(']', 15) + "}"),
        ["messages"] = new JsonArray(messages),
    };

    public static JsonObject Message(string id, string? parent, string role, string content, string status = "completed", bool onBranch = true) => new()
    {
        ["id"] = id,
        ["parent_id"] = parent,
        ["role"] = role,
        ["content"] = content,
        ["created_at"] = "2024-03-01T12:00:00.000001Z",
        ["status"] = status,
        ["finish_reason"] = role == "user" ? null : "stop",
        ["model"] = role == "user" ? null : "some-model",
        ["usage"] = role == "user" ? null : JsonNode.Parse("""{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"estimated":true}"""),
        ["feedback"] = role == "user" ? null : JsonNode.Parse("""{"rating":"down","comment":"¿Por qué?","rated_at":"2024-03-01T12:00:01Z"}"""),
        ["metadata"] = JsonNode.Parse("""{"n":1}"""),
        ["on_branch"] = onBranch,
    };

    /// <summary>A node of ChatGPT's mapping.</summary>
    public static JsonObject Node(string? parent, string[] children, JsonNode? message) => new()
    {
        ["id"] = "ignored",
        ["parent"] = parent,
        ["children"] = new JsonArray([.. children.Select(child => JsonValue.Create(child))]),
        ["message"] = message,
    };

    /// <summary>A message of ChatGPT's.</summary>
    public static JsonObject Said(string role, JsonNode? part, double? time = null, string type = "text", string recipient = "all", JsonObject? metadata = null) => new()
    {
        ["author"] = new JsonObject { ["role"] = role, ["name"] = null, ["metadata"] = new JsonObject() },
        ["content"] = new JsonObject { ["content_type"] = type, ["parts"] = new JsonArray(part) },
        ["create_time"] = time,
        ["status"] = "finished_successfully",
        ["recipient"] = recipient,
        ["metadata"] = metadata ?? new JsonObject(),
    };

    /// <summary>The file without what an import changes: ids become places, and the time of the export goes.</summary>
    public static string WithoutIds(JsonElement file)
    {
        var copy = JsonObject.Create(file)!;
        copy.Remove("exported_at");
        foreach (var session in copy["sessions"]!.AsArray())
        {
            session!.AsObject().Remove("id");
            var places = new Dictionary<string, int>();
            foreach (var message in session["messages"]!.AsArray())
            {
                places.Add((string)message!["id"]!, places.Count);
                message["id"] = places.Count - 1;
                message["parent_id"] = message["parent_id"] is { } parent ? places[(string)parent!] : null;
            }
        }

        return copy.ToJsonString();
    }

    private static JsonElement Resolve(JsonElement schema) => schema.TryGetProperty("$ref", out var reference)
        ? reference.GetString()!.Split('/').Skip(1).Aggregate(Schema, (element, name) => element.GetProperty(name))
        : schema;

    private static IEnumerable<string> Unnamed(JsonElement schema, JsonElement value, string at)
    {
        schema = Resolve(schema);
        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out var items))
            return value.EnumerateArray().SelectMany(item => Unnamed(items, item, at + "[]"));
        if (value.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("properties", out var properties))
            return [];
        return value.EnumerateObject().SelectMany(field => properties.TryGetProperty(field.Name, out var inner)
            ? Unnamed(inner, field.Value, $"{at}.{field.Name}")
            : [$"{at}.{field.Name} is in no documentation"]);
    }
}
