using System.Text.Json;
using ChatApi.Application.Errors;

namespace ChatApi.Application.Transfers;

/// <summary>A value of a file, which knows where it stands: whoever is told that it is wrong finds it.</summary>
internal sealed class Field
{
    private readonly Field? _parent;
    private readonly string? _name;
    private readonly int _index;

    private Field(JsonElement value, Field? parent, string? name, int index) => (Value, _parent, _name, _index) = (value, parent, name, index);

    public static Field Root(JsonElement file) => new(file, null, null, 0);

    public JsonElement Value { get; }

    /// <summary>Whether it is absent, or null.</summary>
    public bool IsNull => Value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>A field of this object.</summary>
    public Field this[string name] => new(Value.TryGetProperty(name, out var value) ? value : default, this, name, 0);

    public IEnumerable<Field> Items => Array().EnumerateArray().Select((value, index) => new Field(value, this, null, index));

    /// <summary>The fields of this object, whatever they are called.</summary>
    public IEnumerable<(string Name, Field Value)> Fields =>
        Object().Value.EnumerateObject().Select((property, index) => (Name(property), new Field(property.Value, this, null, index)));

    private string Path => _parent is null ? ""
        : _name is null ? $"{_parent.Path}[{_index}]"
        : _parent.Path.Length == 0 ? _name : $"{_parent.Path}.{_name}";

    /// <summary>Tells that it is not what it is to be.</summary>
    /// <param name="sentence">Without a subject.</param>
    /// <param name="code">One of <see cref="ErrorCodes"/>.</param>
    public InvalidRequestException Wrong(string sentence, string code = ErrorCodes.InvalidRequest)
    {
        var path = Path.Length == 0 ? "file" : Path;
        return new(code, $"{path} {sentence}", new Dictionary<string, string[]> { [path] = [$"{path} {sentence}"] });
    }

    public Field Object() => Value.ValueKind == JsonValueKind.Object ? this : throw Wrong("must be an object.");

    public JsonElement Array() => Value.ValueKind == JsonValueKind.Array ? Value : throw Wrong("must be an array.");

    /// <summary>A text that both databases keep.</summary>
    public string Text(int maxLength, string code = ErrorCodes.InvalidRequest)
    {
        if (Value.ValueKind != JsonValueKind.String)
            throw Wrong("must be a text.");
        var text = Read(() => Value.GetString()!);
        if (text.Contains('\0', StringComparison.Ordinal))
            throw Wrong("has a character that cannot be kept.");
        return text.Length <= maxLength ? text : throw Wrong($"may have {maxLength} characters at most.", code);
    }

    public string? OptionalText(int maxLength) => IsNull ? null : Text(maxLength);

    public bool Flag(bool fallback) => Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Undefined => fallback,
        _ => throw Wrong("must be true or false."),
    };

    public int Count() => Value.ValueKind == JsonValueKind.Number && Value.TryGetInt32(out var number) && number >= 0
        ? number
        : throw Wrong("must be a whole number, 0 or more.");

    public double? OptionalNumber() => IsNull ? null
        : Value.ValueKind == JsonValueKind.Number && Value.TryGetDouble(out var number) && double.IsFinite(number) ? number
        : throw Wrong("must be a number.");

    /// <summary>A time between 1970 and now, UTC, in whole microseconds; a clock that is a day ahead is believed.</summary>
    public DateTime Time(DateTime now)
    {
        if (Value.ValueKind != JsonValueKind.String || !Value.TryGetDateTime(out var time))
            throw Wrong("must be a time, such as 2026-01-15T10:30:00Z.");
        time = time.Kind == DateTimeKind.Unspecified ? DateTime.SpecifyKind(time, DateTimeKind.Utc) : time.ToUniversalTime();
        return time >= DateTime.UnixEpoch && time <= now.AddDays(1)
            ? time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond))
            : throw Wrong("must be a time between 1970 and now.");
    }

    /// <summary>One of some words.</summary>
    public string Word(params ReadOnlySpan<string> words)
    {
        var word = Value.ValueKind == JsonValueKind.String ? Read(() => Value.GetString()!) : "";
        return words.Contains(word) ? word : throw Wrong($"must be one of {string.Join(", ", words)}.");
    }

    private string Name(JsonProperty property) => Read(() => property.Name);

    /// <summary>Half of a character is no text.</summary>
    private string Read(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            throw Wrong("has half of a character.");
        }
    }
}
