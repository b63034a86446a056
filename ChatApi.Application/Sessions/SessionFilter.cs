using ChatApi.Application.Errors;

namespace ChatApi.Application.Sessions;

/// <summary>Which conversations are wanted.</summary>
/// <param name="Query">Words that the title or a message must have; null or blank for no matter which.</param>
/// <param name="Pinned">Only those that are pinned, or only those that are not; null for both.</param>
/// <param name="Archived">Those that are archived instead of those that are not; null for those that are not, and for both in the trash.</param>
/// <param name="Deleted">Those in the trash instead of the others.</param>
public sealed record SessionFilter(string? Query, bool? Pinned, bool? Archived, bool Deleted)
{
    /// <summary>The longest query, in UTF-16 units.</summary>
    public const int MaxQueryLength = 200;

    /// <summary>Whether something is searched for.</summary>
    public bool IsSearch => !string.IsNullOrWhiteSpace(Query);

    /// <exception cref="InvalidRequestException">It asks for what there is not.</exception>
    internal void Check()
    {
        if (Query?.Length > MaxQueryLength)
            throw Invalid("q", $"A search may have {MaxQueryLength} characters at most.");
        if (IsSearch && Deleted)
            throw Invalid("q", "The trash cannot be searched.");
    }

    private static InvalidRequestException Invalid(string name, string sentence) =>
        new(ErrorCodes.InvalidRequest, sentence, new Dictionary<string, string[]> { [name] = [sentence] });
}
