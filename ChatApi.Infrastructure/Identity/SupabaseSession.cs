using System.Text.Json;
using ChatApi.Application.Abstractions;

namespace ChatApi.Infrastructure.Identity;

/// <summary>Reads the good answers of Supabase Auth: a session with its user, or a user alone.</summary>
internal static class SupabaseSession
{
    /// <summary>Null if this is no session of somebody.</summary>
    public static SignedIn? Read(JsonElement body)
    {
        if (SupabaseAnswer.Text(body, "access_token") is not { } token || !body.TryGetProperty("user", out var user) || Id(user) is not { } id)
            return null;
        var email = SupabaseAnswer.Text(user, "email") ?? "";
        var name = user.TryGetProperty("user_metadata", out var metadata) ? SupabaseAnswer.Text(metadata, "name") : null;
        return new(token, id, name ?? email.Split('@')[0], email);
    }

    /// <summary>Whether this is a user without a session, and whether it is one that has no identity and so is nobody.</summary>
    public static bool IsUser(JsonElement body, out bool isInvented)
    {
        isInvented = body.ValueKind == JsonValueKind.Object
            && body.TryGetProperty("identities", out var identities)
            && identities.ValueKind == JsonValueKind.Array
            && identities.GetArrayLength() == 0;
        return Id(body) is not null;
    }

    private static Guid? Id(JsonElement user) =>
        Guid.TryParseExact(SupabaseAnswer.Text(user, "id"), "D", out var id) ? id : null;
}
