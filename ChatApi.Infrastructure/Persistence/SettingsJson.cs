using System.Text.Json;
using System.Text.Json.Serialization;
using ChatApi.Domain;

namespace ChatApi.Infrastructure.Persistence;

/// <summary>How settings are kept in one column; null where nothing is set, as nearly everywhere.</summary>
internal static class SettingsJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string? Write(ReplySettings? settings) => settings is null ? null : JsonSerializer.Serialize(settings, Options);

    public static ReplySettings? Read(string? json) => json is null ? null : JsonSerializer.Deserialize<ReplySettings>(json, Options);
}
