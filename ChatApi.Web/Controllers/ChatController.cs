using ChatApi.Application.Limits;
using ChatApi.Application.Runs;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;

namespace ChatApi.Web.Controllers;

/// <summary>Chat without streaming.</summary>
[ApiController]
[Authorize]
[Route("api/chat")]
[Produces("application/json")]
public sealed class ChatController(RunService runs, UsageService usage) : ControllerBase
{
    /// <summary>Asks, and answers with the whole reply.</summary>
    /// <remarks>Opens a conversation where none is named. A client that leaves stops nothing: the reply is finished and stored.</remarks>
    /// <response code="200">The question and its reply.</response>
    [HttpPost(Name = "chat")]
    [StartsRun]
    [ProducesResponseType<ChatResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<ChatResponse>> Chat(ChatRequest request)
    {
        var reply = await runs.ChatAsync(HttpContext.Caller(), request, IdempotencyKey.Of(Request), HttpContext.RequestAborted);
        IdempotencyKey.MarkReplay(Response, reply.IsReplay);
        return ChatResponse.From(reply.Turn);
    }

    /// <summary>The models that may be asked.</summary>
    /// <response code="200">An array, the default first.</response>
    [HttpGet("models", Name = "list_models")]
    [ProducesResponseType<IReadOnlyList<ModelResponse>>(StatusCodes.Status200OK)]
    public IReadOnlyList<ModelResponse> ListModels([FromServices] Models models) => models.List();

    /// <summary>What was used today, what is left, and when it is there again; and what was used on other days.</summary>
    /// <remarks>Tokens count by days, UTC; requests and questions by minutes that begin with the first one.</remarks>
    /// <param name="from">The first day, <c>2026-01-01</c>; 29 days before the last one if absent. 366 days at most.</param>
    /// <param name="to">The last day; today if absent.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">The user's day so far, how the limits stand, and what was used by day and model.</response>
    [HttpGet("usage", Name = "get_usage")]
    [ProducesResponseType<UsageResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<UsageResponse>> GetUsage(string? from, string? to, CancellationToken cancellationToken) =>
        await usage.ReadAsync(User.Id(), new(from, to), cancellationToken);

    /// <summary>What the replies of a conversation did cost.</summary>
    /// <remarks>Of those that it has now, on whatever branch they are. What was deleted is counted by days alone.</remarks>
    /// <response code="200">The sums, in all and by model.</response>
    [HttpGet("sessions/{id}/usage", Name = "get_session_usage")]
    [ProducesResponseType<SessionUsageResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionUsageResponse>> GetSessionUsage(Guid id, CancellationToken cancellationToken) =>
        await usage.ReadSessionAsync(User.Id(), id, cancellationToken);

    /// <summary>One run, for those who poll.</summary>
    /// <response code="200">The run, with the text so far.</response>
    [HttpGet("runs/{id}", Name = "get_run")]
    [ProducesResponseType<RunResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<RunResponse>> GetRun(Guid id, CancellationToken cancellationToken) =>
        await runs.GetAsync(User.Id(), id, cancellationToken);
}
