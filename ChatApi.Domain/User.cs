namespace ChatApi.Domain;

/// <summary>An account of ChatApi's own. Users of an external identity provider have none.</summary>
public sealed class User
{
    /// <summary>UUID version 7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The address, trimmed and in lower case; unique.</summary>
    public required string Email { get; init; }

    /// <summary>The display name, 1 to 100 characters.</summary>
    public required string Name { get; set; }

    /// <summary>A salted, slow hash in the format of ASP.NET Core Identity; never the password.</summary>
    public required string PasswordHash { get; set; }

    /// <summary>UTC, in whole microseconds.</summary>
    public required DateTime CreatedAt { get; init; }
}
