using System.Text.Json;
using System.Text.RegularExpressions;
using ChatApi.Application.Errors;
using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.AnyBytes;

/// <summary>What every answer has to be, whatever was asked.</summary>
internal static partial class AnswerCheck
{
    private static readonly HashSet<string> Codes = [.. typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!)];
    private static readonly int[] OfServer = [400, 405, 408, 411, 413, 414, 417, 431, 501, 505];
    private static readonly int[] OfFailingModel = [502, 503, 504];
    private static readonly SchemaCheck Schemas = new(ApiDescription.Instance);

    /// <summary>What is wrong with the answer; empty if nothing is.</summary>
    public static IEnumerable<string> Errors(GeneratedRequest request, RawAnswer answer)
    {
        if (request.IsForServer && OfServer.Contains(answer.Status) && answer.Body.Length == 0)
            return [];
        return [.. OfStatus(request, answer), .. OfHeaders(request, answer), .. answer.Status >= 400 ? OfProblem(answer) : OfGoodAnswer(request, answer)];
    }

    private static IEnumerable<string> OfStatus(GeneratedRequest request, RawAnswer answer)
    {
        if (answer.Status >= 500 && !(request.IsModelToFail && OfFailingModel.Contains(answer.Status)))
            yield return "a server error";
        if (request.OnlyStatus is { } only && answer.Status != only && !(request.HasOddQuery && answer.Status == 400))
            yield return $"not {only}";
        if (request.Operation is { } operation && operation.Response(answer.Status) is null)
            yield return "a status that the document does not name";
        if (request.IsPlain && answer.Status >= 300 && answer.Status is not (409 or 422) && !(request.IsModelToFail && answer.Status >= 500))
            yield return "a good request is refused";
        if (request is { Operation: { HasBody: true } called, Body: { } body } && answer.Status < 300 && body.Length > 0 && Misfits(called, body) is { } misfit)
            yield return $"a body that the document does not allow is taken: {misfit}";
    }

    /// <summary>In what the body is not what the document says; null if it is.</summary>
    private static string? Misfits(ApiOperation operation, byte[] body)
    {
        try
        {
            var mark = body.AsSpan().StartsWith("\ufeff"u8) ? 3 : 0;
            using var json = JsonDocument.Parse(body.AsMemory(mark), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Schemas.Errors(operation.BodySchema, json.RootElement).FirstOrDefault();
        }
        catch (JsonException)
        {
            return "it is no JSON";
        }
    }

    private static IEnumerable<string> OfHeaders(GeneratedRequest request, RawAnswer answer)
    {
        if (string.IsNullOrEmpty(answer.Header("X-Request-ID")))
            yield return "no X-Request-ID";
        if (answer.Header("Server") is not null)
            yield return "a Server header";
        if (answer.Status == 401 && answer.Header("WWW-Authenticate") != "Bearer")
            yield return "401 without WWW-Authenticate";
        if (answer.Status == 405 && string.IsNullOrEmpty(answer.Header("Allow")))
            yield return "405 without Allow";
        if (answer.Status is 429 && answer.Header("Retry-After") is null)
            yield return "no Retry-After";
        if (answer.Status == 201 && request.Operation is { Id: not "register" } && answer.Header("Location") is null)
            yield return "201 without Location";
    }

    private static List<string> OfProblem(RawAnswer answer)
    {
        if (answer.MediaType != "application/problem+json")
            return ["an error that is no problem"];
        var problem = answer.Json;
        var errors = Schemas.Errors(ApiDescription.Instance.Schema("ProblemResponse"), problem).ToList();
        if (!Codes.Contains(problem.GetProperty("code").GetString()!))
            errors.Add("a code that nobody knows");
        if (problem.GetProperty("status").GetInt32() != answer.Status)
            errors.Add("another status in the problem");
        if (string.IsNullOrWhiteSpace(problem.GetProperty("error").GetString()))
            errors.Add("no sentence");

        // The instance is the client's own path.
        var told = string.Join('\n', problem.EnumerateObject().Where(field => field.Name is not ("instance" or "trace_id")).Select(field => field.Value.GetRawText()));
        if (Internal().Match(told) is { Success: true } match)
            errors.Add($"something internal: {match.Value}");
        return errors;
    }

    private static IEnumerable<string> OfGoodAnswer(GeneratedRequest request, RawAnswer answer)
    {
        if (request.Operation?.Response(answer.Status) is not { } documented)
            return [];
        if (!documented.TryGetProperty("content", out var content))
            return answer.Body.Length == 0 ? [] : ["a body that the document does not name"];
        if (!content.TryGetProperty(answer.MediaType, out var media))
            return [$"{answer.MediaType} is not in the document"];
        return answer.MediaType == "text/event-stream" ? OfEvents(answer, request.Operation.Id.Contains("ui_message", StringComparison.Ordinal)) : Schemas.Errors(media.GetProperty("schema"), answer.Json);
    }

    private static IEnumerable<string> OfEvents(RawAnswer answer, bool isUI)
    {
        const string end = "data: [DONE]\n\n";
        if (isUI && !answer.Text.EndsWith(end, StringComparison.Ordinal))
            yield return "the end is not told";
        var blocks = (isUI ? answer.Text[..^end.Length] : answer.Text).Split("\n\n");
        if (blocks[^1].Length > 0)
            yield return "the stream ends in the middle of an event";
        var types = new List<string>();
        foreach (var block in blocks[..^1].Where(block => !block.StartsWith(':') && !block.StartsWith("retry:", StringComparison.Ordinal)))
        {
            var line = block.Split('\n')[0];
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
                yield return $"an event without data: {line}";
            else
                types.Add(JsonDocument.Parse(line[6..]).RootElement.GetProperty("type").GetString()!);
        }

        if (types.Count(IsTerminal) != 1 || !IsTerminal(types[^1]))
            yield return $"not one terminal event at the end: {string.Join(' ', types)}";
    }

    private static bool IsTerminal(string type) => type is "done" or "error" or "finish" or "abort";

    // Names of types and parts, stack frames, statements, hosts and paths, what the model's provider says.
    [GeneratedRegex(@"System\.|Microsoft\.|ChatApi\.|Npgsql|(?i:sqlite)|   at |Exception|SELECT |INSERT |127\.0\.0\.1|localhost|\.cs:line|/tmp/|/home/|canary|chat\.(sessions|messages|runs|users)")]
    private static partial Regex Internal();
}
