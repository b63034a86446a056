using System.Text.Json;
using ChatApi.Application.Errors;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace ChatApi.Web.Errors;

/// <summary>What MVC could not read. Its own sentences name CLR types; these do not.</summary>
internal static class InvalidModelState
{
    private static readonly string[] NotValid = ["This value is not valid."];

    public static IActionResult Answer(ActionContext context)
    {
        var invalid = context.ModelState.Where(entry => entry.Value is { ValidationState: ModelValidationState.Invalid }).ToList();

        // An id that is no UUID is the id of nothing: the same answer as for an unknown one.
        if (invalid.Any(entry => context.RouteData.Values.ContainsKey(entry.Key)))
            throw new NotFoundException();
        var query = invalid.FirstOrDefault(entry => context.HttpContext.Request.Query.ContainsKey(entry.Key)).Key;
        if (query is not null)
            throw new InvalidRequestException(
                ErrorCodes.InvalidRequest, $"The value of {query} is not valid.",
                new Dictionary<string, string[]> { [query] = NotValid });
        throw new InvalidRequestException(ErrorCodes.InvalidJson, "The body is not the JSON that is expected here.", Fields(invalid));
    }

    private static Dictionary<string, string[]>? Fields(List<KeyValuePair<string, ModelStateEntry?>> invalid)
    {
        // JSON paths ($.content) of what could be read up to a wrong value; the rest is not about a field.
        var fields = invalid
            .Where(entry => entry.Key.StartsWith("$.", StringComparison.Ordinal) && entry.Key.Length > 2)
            .ToDictionary(entry => JsonNamingPolicy.SnakeCaseLower.ConvertName(entry.Key[2..]), _ => NotValid);
        return fields.Count > 0 ? fields : null;
    }
}
