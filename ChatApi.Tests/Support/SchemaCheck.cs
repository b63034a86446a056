using System.Globalization;
using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>
/// Whether a value is what a schema of the OpenAPI document says. It knows the words that the document uses, and throws at any other: a
/// word that nobody checks would be a promise that nobody keeps.
/// </summary>
/// <param name="resolve">The schema itself, where one may be a reference to it.</param>
public sealed class SchemaCheck(Func<JsonElement, JsonElement> resolve)
{
    private static readonly HashSet<string> SaysNothing = ["$schema", "$defs", "description", "example", "title", "additionalProperties", "default", "readOnly", "nullable"];

    public SchemaCheck(ApiDescription api)
        : this(api.Resolve)
    {
    }

    /// <summary>What is wrong with it; empty if nothing is.</summary>
    public IEnumerable<string> Errors(JsonElement schema, JsonElement value, string at = "$")
    {
        schema = resolve(schema);
        if (value.ValueKind == JsonValueKind.Null)
            return schema.TryGetProperty("nullable", out var nullable) && nullable.GetBoolean() || schema.TryGetProperty("type", out var types) && Types(types).Contains("null") ? [] : [$"{at} is null"];
        return schema.EnumerateObject().Where(word => IsFor(word.Name, value)).SelectMany(word => Errors(schema, word, value, at));
    }

    /// <summary>What is said of values of one kind says nothing of others.</summary>
    private static bool IsFor(string word, JsonElement value) => word switch
    {
        "required" or "properties" => value.ValueKind == JsonValueKind.Object,
        "items" or "minItems" or "maxItems" => value.ValueKind == JsonValueKind.Array,
        "minimum" or "maximum" or "exclusiveMinimum" => value.ValueKind == JsonValueKind.Number,
        "minLength" or "maxLength" => value.ValueKind == JsonValueKind.String,
        _ => true,
    };

    private IEnumerable<string> Errors(JsonElement schema, JsonProperty word, JsonElement value, string at)
    {
        switch (word.Name)
        {
            case "type":
                return Types(word.Value).Any(type => IsOfType(type, value)) ? [] : [$"{at} is {value.ValueKind}, not {word.Value}"];
            case "format":
                return IsOfFormat(word.Value.GetString()!, value) ? [] : [$"{at} is no {word.Value}: {value}"];
            case "const":
                return JsonElement.DeepEquals(word.Value, value) ? [] : [$"{at} is not {word.Value}"];
            case "enum":
                return word.Value.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)) ? [] : [$"{at} is none of {word.Value}: {value}"];
            case "required":
                return word.Value.EnumerateArray().Where(name => !value.TryGetProperty(name.GetString()!, out _)).Select(name => $"{at}.{name} is missing");
            case "properties":
                return word.Value.EnumerateObject().SelectMany(property => value.TryGetProperty(property.Name, out var inner)
                    ? Errors(property.Value, inner, $"{at}.{property.Name}")
                    : []);
            case "items":
                return value.EnumerateArray().SelectMany((item, index) => Errors(word.Value, item, $"{at}[{index}]"));
            case "allOf":
                return word.Value.EnumerateArray().SelectMany(one => Errors(one, value, at));
            case "oneOf":
                return word.Value.EnumerateArray().Count(one => !Errors(one, value, at).Any()) == 1 ? [] : [$"{at} is not one of the alternatives"];
            case "minimum":
                return value.GetDouble() >= word.Value.GetDouble() ? [] : [$"{at} is under {word.Value}"];
            case "maximum":
                return value.GetDouble() <= word.Value.GetDouble() ? [] : [$"{at} is over {word.Value}"];
            case "exclusiveMinimum":
                return !word.Value.GetBoolean() || value.GetDouble() > schema.GetProperty("minimum").GetDouble() ? [] : [$"{at} is not above the minimum"];
            case "minItems":
                return value.GetArrayLength() >= word.Value.GetInt32() ? [] : [$"{at} has too few items"];
            case "maxItems":
                return value.GetArrayLength() <= word.Value.GetInt32() ? [] : [$"{at} has too many items"];
            case "minLength":
                return value.GetString()!.Length >= word.Value.GetInt32() ? [] : [$"{at} is too short"];
            case "maxLength":
                return value.GetString()!.Length <= word.Value.GetInt32() ? [] : [$"{at} is too long"];
            default:
                return SaysNothing.Contains(word.Name) ? [] : throw new NotSupportedException($"The document says {word.Name}, which nobody checks.");
        }
    }

    /// <summary>JSON Schema takes several where OpenAPI 3.0 takes one.</summary>
    private static IEnumerable<string> Types(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(one => one.GetString()!) : [type.GetString()!];

    private static bool IsOfType(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "number" => value.ValueKind == JsonValueKind.Number,
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => throw new NotSupportedException($"The document says type {type}, which nobody checks."),
    };

    private static bool IsOfFormat(string format, JsonElement value) => format switch
    {
        "uuid" or "date-time" or "date" when value.ValueKind != JsonValueKind.String => true,
        "int32" or "int64" or "double" when value.ValueKind != JsonValueKind.Number => true,
        "uuid" => Guid.TryParseExact(value.GetString(), "D", out _),
        "date-time" => value.GetString()!.EndsWith('Z')
            && DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out _),
        "date" => DateOnly.TryParseExact(value.GetString(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "int32" => value.TryGetInt32(out _),
        "int64" => value.TryGetInt64(out _),
        "double" => value.TryGetDouble(out var number) && double.IsFinite(number),
        _ => throw new NotSupportedException($"The document says format {format}, which nobody checks."),
    };
}
