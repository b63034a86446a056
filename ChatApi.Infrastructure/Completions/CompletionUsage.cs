using System.Text.Json;
using Microsoft.Extensions.AI;

namespace ChatApi.Infrastructure.Completions;

/// <summary>Reads a <c>usage</c> object.</summary>
internal static class CompletionUsage
{
    /// <summary>With the reader on the object's start; leaves it on the end. Null if no count is in it.</summary>
    public static UsageDetails? Read(ref Utf8JsonReader json)
    {
        long? input = null, output = null, total = null, cached = null, reasoning = null;
        var depth = json.CurrentDepth;
        while (json.Read() && !(json.TokenType == JsonTokenType.EndObject && json.CurrentDepth == depth))
        {
            // The details are nested objects; no name occurs twice, so the nesting need not be followed.
            if (json.TokenType != JsonTokenType.PropertyName)
                continue;
            if (json.ValueTextEquals("prompt_tokens"u8))
                input = Number(ref json) ?? input;
            else if (json.ValueTextEquals("completion_tokens"u8))
                output = Number(ref json) ?? output;
            else if (json.ValueTextEquals("total_tokens"u8))
                total = Number(ref json) ?? total;
            else if (json.ValueTextEquals("cached_tokens"u8))
                cached = Number(ref json) ?? cached;
            else if (json.ValueTextEquals("reasoning_tokens"u8))
                reasoning = Number(ref json) ?? reasoning;
        }

        if (input is null && output is null)
            return null;
        return new UsageDetails
        {
            InputTokenCount = input,
            OutputTokenCount = output,
            TotalTokenCount = total ?? input + output,
            CachedInputTokenCount = cached,
            ReasoningTokenCount = reasoning,
        };
    }

    private static long? Number(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.Number)
            return null;
        if (json.TryGetInt64(out var whole))
            return whole >= 0 ? whole : null;
        return json.TryGetDouble(out var number) && number is >= 0 and < long.MaxValue ? (long)number : null;
    }
}
