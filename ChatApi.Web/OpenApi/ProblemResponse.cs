namespace ChatApi.Web.OpenApi;

/// <summary>An error as it goes out (RFC 9457, and what the front ends read).</summary>
/// <param name="Type">A URN that ends in the code.</param>
/// <param name="Title">The name of the status.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">The same sentence as in <c>error</c>.</param>
/// <param name="Instance">The path that was asked for.</param>
/// <param name="Error">A sentence for people.</param>
/// <param name="Code">Stable; branch on this.</param>
/// <param name="TraceId">The request's id, the same as in the <c>X-Request-ID</c> header.</param>
/// <param name="Errors">Sentences by field.</param>
/// <param name="RunId">With <c>run_in_progress</c>: the run that is in the way.</param>
internal sealed record ProblemResponse(
    string Type, string Title, int Status, string Detail, string Instance, string Error, string Code, string TraceId,
    IReadOnlyDictionary<string, string[]>? Errors, Guid? RunId);
