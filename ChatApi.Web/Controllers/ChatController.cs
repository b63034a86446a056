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
public sealed class ChatController(RunService runs) : ControllerBase
{
    /// <summary>Asks, and answers with the whole reply.</summary>
    /// <remarks>Opens a conversation where none is named. A client that leaves stops nothing: the reply is finished and stored.</remarks>
    /// <response code="200">The question and its reply.</response>
    [HttpPost(Name = "chat")]
    [StartsRun]
    [ProducesResponseType<ChatResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<ChatResponse>> Chat(ChatRequest request, CancellationToken cancellationToken)
    {
        var reply = await runs.ChatAsync(User.Id(), request, IdempotencyKey.Of(Request), cancellationToken);
        IdempotencyKey.MarkReplay(Response, reply.IsReplay);
        return ChatResponse.From(reply.Turn);
    }

    /// <summary>One run, for those who poll.</summary>
    /// <response code="200">The run, with the text so far.</response>
    [HttpGet("runs/{id}", Name = "get_run")]
    [ProducesResponseType<RunResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<RunResponse>> GetRun(Guid id, CancellationToken cancellationToken) =>
        await runs.GetAsync(User.Id(), id, cancellationToken);
}
