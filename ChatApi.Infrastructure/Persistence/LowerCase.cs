namespace ChatApi.Infrastructure.Persistence;

/// <summary>How the values of an enumeration are written in the database: as on the wire.</summary>
internal static class LowerCase
{
#pragma warning disable CA1308 // Lower case is what is wanted.
    public static string Of<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
#pragma warning restore CA1308
}
