using System.Text.Json;

namespace ChatApi.Application.Transfers;

/// <summary>A file: an object, as exports are, or an array, as ChatGPT's <c>conversations.json</c> is.</summary>
/// <param name="File">The whole of it.</param>
public sealed record ImportRequest(JsonElement File);

/// <summary>What was imported.</summary>
/// <param name="Sessions">How many conversations.</param>
/// <param name="Messages">How many messages.</param>
/// <param name="Ids">The conversations, in the order of the file.</param>
public sealed record ImportResponse(int Sessions, int Messages, IReadOnlyList<Guid> Ids);
