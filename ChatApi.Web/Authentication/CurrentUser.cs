using System.Security.Claims;
using System.Text.Json;
using ChatApi.Application.Accounts;
using ChatApi.Application.Limits;

namespace ChatApi.Web.Authentication;

/// <summary>Who asks, as the token says.</summary>
internal static class CurrentUser
{
    /// <summary>The user's id; only for requests that were let in.</summary>
    public static Guid Id(this ClaimsPrincipal principal) =>
        TryGetId(principal, out var id) ? id : throw new InvalidOperationException("A request without a user was let in.");

    /// <summary><c>sub</c>, or what the old service called it where there is none. Anything but a UUID is nobody.</summary>
    public static bool TryGetId(ClaimsPrincipal principal, out Guid id) =>
        Guid.TryParseExact(principal.FindFirstValue("sub") ?? principal.FindFirstValue("user_id"), "D", out id);

    /// <summary>Whoever makes the request, and how their limits stand.</summary>
    public static Caller Caller(this HttpContext context)
    {
        if (context.Features.Get<Caller>() is { } known)
            return known;
        var caller = new Caller(TryGetId(context.User, out var id) ? id : null, context.Connection.RemoteIpAddress);
        context.Features.Set(caller);
        return caller;
    }

    /// <summary>The account, as far as the token tells.</summary>
    public static AccountResponse Account(this ClaimsPrincipal principal)
    {
        var email = principal.FindFirstValue("email") ?? "";
        var name = principal.FindFirstValue("name") ?? NameAtSupabase(principal.FindFirstValue("user_metadata"));
        return new(principal.Id(), string.IsNullOrEmpty(name) ? email.Split('@')[0] : name, email);
    }

    /// <summary>Supabase keeps it in a JSON object in which users may write what they like, a name of another kind included.</summary>
    private static string? NameAtSupabase(string? metadata)
    {
        if (metadata is null)
            return null;
        try
        {
            return JsonSerializer.Deserialize<JsonElement>(metadata) is { ValueKind: JsonValueKind.Object } fields
                && fields.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
                ? name.GetString()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
