using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace ChatApi.Tests.Support;

/// <summary>
/// A front end of the service before ChatApi: decodes what the network brings, splits at blank lines, takes what begins
/// <c>data: </c>, and parses the rest as JSON.
/// </summary>
public static class NaiveFrontEnd
{
    private const string Prefix = "data: ";

    /// <summary>Posts a question and reads the reply to its end; the parsed events, and when each came.</summary>
    public static async Task<IReadOnlyList<(JsonElement Json, TimeSpan At)>> AskAsync(HttpClient client, string sessionId, string content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/chat/realtime/sessions/{sessionId}/stream")
        {
            Content = new StringContent(JsonSerializer.Serialize(new { content }), Encoding.UTF8, "application/json"),
        };
        var watch = Stopwatch.StartNew();
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync();

        var events = new List<(JsonElement, TimeSpan)>();
        var decoder = Encoding.UTF8.GetDecoder();
        var bytes = new byte[512];
        var characters = new char[1024];
        var buffer = "";
        int read;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while ((read = await body.ReadAsync(bytes, patience.Token)) > 0)
        {
            buffer += new string(characters, 0, decoder.GetChars(bytes, 0, read, characters, 0));
            var parts = buffer.Split("\n\n");
            buffer = parts[^1];
            foreach (var part in parts[..^1])
            {
                if (part.StartsWith(Prefix, StringComparison.Ordinal))
                    events.Add((JsonDocument.Parse(part[Prefix.Length..]).RootElement, watch.Elapsed));
            }
        }

        return events;
    }
}
