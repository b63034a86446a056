using System.Globalization;
using System.Text.Json.Nodes;
using ChatApi.Application.Errors;
using ChatApi.Web.Errors;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ChatApi.Web.OpenApi;

/// <summary>Gives every operation the errors that it can answer with, each with an example.</summary>
internal sealed class ProblemResponses : IOperationFilter
{
    private static readonly Problem[] WithBody =
    [
        new(400, ErrorCodes.InvalidJson, "The body is not the JSON that is expected here."),
        Problem.OfStatus(408),
        Problem.OfStatus(413),
        Problem.OfStatus(415),
    ];

    private static readonly Problem[] OfRuns =
    [
        new(409, ErrorCodes.RunInProgress, "A reply is still being made in this conversation."),
        new(422, ErrorCodes.ContextTooLong, "The message is too long for the model."),
    ];

    private static readonly Problem[] OfWholeReplies =
    [
        new(502, ErrorCodes.UpstreamError, "The assistant could not answer; please try again."),
        new(504, ErrorCodes.UpstreamTimeout, "The assistant took too long to answer; please try again."),
    ];

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var schema = context.SchemaGenerator.GenerateSchema(typeof(ProblemResponse), context.SchemaRepository);
        foreach (var problem in Of(operation, context).DistinctBy(problem => problem.Status))
        {
            var key = problem.Status.ToString(CultureInfo.InvariantCulture);
            var described = operation.Responses!.TryGetValue(key, out var response) ? response.Description : null;
            operation.Responses[key] = new OpenApiResponse
            {
                Description = described ?? $"{problem.Error} (`{problem.Code}`)",
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/problem+json"] = new OpenApiMediaType { Schema = schema, Example = Example(problem, context) },
                },
            };
        }

        var sorted = new OpenApiResponses();
        foreach (var (key, response) in operation.Responses!.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            sorted[key] = response;
        operation.Responses = sorted;
    }

    private static IEnumerable<Problem> Of(OpenApiOperation operation, OperationFilterContext context)
    {
        var path = context.ApiDescription.RelativePath!;
        var startsRun = context.MethodInfo.IsDefined(typeof(StartsRunAttribute), false);
        foreach (var key in operation.Responses!.Keys.Where(key => key is "401" or "409").ToList())
            yield return key == "401"
                ? new(401, ErrorCodes.InvalidCredentials, "The email address or the password is wrong.")
                : path.Contains("register", StringComparison.Ordinal)
                    ? new(409, ErrorCodes.EmailTaken, "There is an account with this email address already.")
                    : path.EndsWith("/share", StringComparison.Ordinal)
                    ? new(409, ErrorCodes.TooManyShares, "There are 100 shares already; please delete one first.")
                    : OfRuns[0];
        if (operation.RequestBody is not null)
            foreach (var problem in WithBody)
                yield return problem;
        else
            yield return new(400, ErrorCodes.InvalidRequest, "The query is not valid.");
        if (SecurityRequirements.NeedsToken(context))
            yield return Problem.OfStatus(401);
        if (path.Contains('{', StringComparison.Ordinal) && operation.OperationId is not ("resume_ui_message" or "get_ui_messages")
            || path is "api/chat" or "api/chat/ui")
            yield return new(404, ErrorCodes.NotFound, "There is nothing here under this id.");
        if (startsRun)
            foreach (var problem in operation.Responses.ContainsKey("200") && (path.EndsWith("stream", StringComparison.Ordinal) || path == "api/chat/ui")
                ? OfRuns
                : [.. OfRuns, .. OfWholeReplies])
                yield return problem;
        yield return new(429, ErrorCodes.RateLimited, "Too many requests; please wait a moment.");
        yield return Problem.OfStatus(500);
        yield return new(503, ErrorCodes.DatabaseUnavailable, "The database does not answer just now; please try again.");
    }

    private static JsonObject Example(Problem problem, OperationFilterContext context)
    {
        var example = new JsonObject
        {
            ["type"] = $"urn:chatapi:error:{problem.Code}",
            ["title"] = ReasonPhrases.GetReasonPhrase(problem.Status),
            ["status"] = problem.Status,
            ["detail"] = problem.Error,
            ["instance"] = "/" + context.ApiDescription.RelativePath!.Replace("{id}", Examples.Id, StringComparison.Ordinal).Replace("{token}", Examples.ShareToken, StringComparison.Ordinal),
            ["error"] = problem.Error,
            ["code"] = problem.Code,
            ["trace_id"] = "0199f3a0-7c11-7a52-9d0e-2f6f3b1c8e10",
        };
        if (problem.Code == ErrorCodes.RunInProgress)
            example["run_id"] = Examples.RunId;
        return example;
    }
}
