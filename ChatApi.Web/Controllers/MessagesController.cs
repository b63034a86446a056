using System.ComponentModel.DataAnnotations;
using ChatApi.Application.Limits;
using ChatApi.Application.Messages;
using ChatApi.Application.Runs;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;
using ChatApi.Web.Pagination;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;

namespace ChatApi.Web.Controllers;

/// <summary>Messages.</summary>
[ApiController]
[Authorize]
[Route("api/chat")]
[Produces("application/json")]
public sealed class MessagesController(MessageService messages, RunService runs, Pager pager) : ControllerBase
{
    /// <summary>The messages of a conversation, oldest first.</summary>
    /// <param name="id">The conversation.</param>
    /// <param name="tree">Those of all branches, not only of the one that is shown.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cursor">From the <c>Link</c> header of the page before.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">An array; the <c>Link</c> header leads to the next page.</response>
    [HttpGet("sessions/{id}/messages", Name = "list_messages")]
    [ProducesResponseType<IReadOnlyList<MessageResponse>>(StatusCodes.Status200OK)]
    public async Task<IReadOnlyList<MessageResponse>> List(
        Guid id, bool tree = false, [Range(1, Pager.MaxLimit)] int limit = Pager.DefaultLimit, string? cursor = null,
        CancellationToken cancellationToken = default)
    {
        var list = $"messages {id} {User.Id()} {tree}";
        var page = await messages.ListAsync(User.Id(), id, tree, pager.Request(HttpContext, list, limit, cursor), cancellationToken);
        return pager.Respond(HttpContext, list, limit, page, tree ? "tree=true&" : "");
    }

    /// <summary>Asks, or stores a message as it is.</summary>
    /// <remarks><c>role: user</c> asks, <c>role: assistant</c> imports. A question is answered with itself and its reply, <c>{user_message, assistant_message}</c>; an imported message with itself.</remarks>
    /// <response code="201">The question and its reply, or the imported message.</response>
    /// <response code="409">A reply is still being made in this conversation (<c>run_in_progress</c>): nothing is asked or imported meanwhile.</response>
    [HttpPost("sessions/{id}/messages", Name = "create_message")]
    [StartsRun]
    [ProducesResponseType<TurnResponse>(StatusCodes.Status201Created)]
    public async Task<IActionResult> Create(
        Guid id, CreateMessageRequest request, [FromServices] RateLimits limits, CancellationToken cancellationToken)
    {
        if (request.Role != "user")
        {
            await limits.TakeRequestAsync(HttpContext.Caller());
            var message = await messages.ImportAsync(User.Id(), id, request, cancellationToken);
            return CreatedAtRoute("get_message", new { id = message.Id }, message);
        }

        var reply = await runs.CompleteAsync(HttpContext.Caller(), id, request, IdempotencyKey.Of(Request), HttpContext.RequestAborted);
        IdempotencyKey.MarkReplay(Response, reply.IsReplay);
        return CreatedAtRoute("get_message", new { id = reply.Turn.AssistantMessage.Id }, reply.Turn);
    }

    /// <summary>One message.</summary>
    /// <response code="200">The message.</response>
    [HttpGet("messages/{id}", Name = "get_message")]
    [ProducesResponseType<MessageResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<MessageResponse>> Get(Guid id, CancellationToken cancellationToken) =>
        await messages.GetAsync(User.Id(), id, cancellationToken);

    /// <summary>Asks anew in the place of a question, and waits for the whole reply.</summary>
    /// <remarks>
    /// Nothing is overwritten: the question and what followed it stay on a branch of their own, and each message names its siblings. To have
    /// the reply streamed, use <c>POST /api/chat/realtime/sessions/{id}/edit</c>.
    /// </remarks>
    /// <response code="200">The new question and its reply.</response>
    /// <response code="409">This is no question (<c>no_question</c>), a reply is still being made (<c>run_in_progress</c>), or a thousand messages follow the one before it (<c>too_many_siblings</c>).</response>
    [HttpPut("messages/{id}", Name = "replace_message")]
    [StartsRun]
    [ProducesResponseType<TurnResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<TurnResponse>> Replace(Guid id, ReplaceMessageRequest request)
    {
        var reply = await runs.EditWholeAsync(HttpContext.Caller(), id, request, IdempotencyKey.Of(Request), HttpContext.RequestAborted);
        IdempotencyKey.MarkReplay(Response, reply.IsReplay);
        return reply.Turn;
    }

    /// <summary>Says what its reader thinks of a reply.</summary>
    /// <remarks>What was said before is replaced.</remarks>
    /// <response code="200">The message as it is now.</response>
    /// <response code="409">It is no reply (<c>not_a_reply</c>), or is still being made (<c>run_in_progress</c>).</response>
    [HttpPut("messages/{id}/feedback", Name = "rate_message")]
    [ProducesResponseType<MessageResponse>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemResponse>(StatusCodes.Status409Conflict, "application/problem+json")]
    public async Task<ActionResult<MessageResponse>> Rate(Guid id, FeedbackRequest request, CancellationToken cancellationToken) =>
        await messages.RateAsync(User.Id(), id, request, cancellationToken);

    /// <summary>Takes back what was thought of a reply.</summary>
    /// <remarks>Where nothing was said it changes nothing.</remarks>
    /// <response code="200">The message as it is now.</response>
    /// <response code="409">It is no reply (<c>not_a_reply</c>), or is still being made (<c>run_in_progress</c>).</response>
    [HttpDelete("messages/{id}/feedback", Name = "delete_feedback")]
    [ProducesResponseType<MessageResponse>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemResponse>(StatusCodes.Status409Conflict, "application/problem+json")]
    public async Task<ActionResult<MessageResponse>> DeleteFeedback(Guid id, CancellationToken cancellationToken) =>
        await messages.RemoveFeedbackAsync(User.Id(), id, cancellationToken);

    /// <summary>Deletes a message.</summary>
    /// <response code="200">The message as it was.</response>
    /// <response code="409">It is a reply that is still being made (<c>run_in_progress</c>), or too many messages would follow the one before it (<c>too_many_siblings</c>).</response>
    [HttpDelete("messages/{id}", Name = "delete_message")]
    [ProducesResponseType<MessageResponse>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemResponse>(StatusCodes.Status409Conflict, "application/problem+json")]
    public async Task<ActionResult<MessageResponse>> Delete(Guid id, CancellationToken cancellationToken) =>
        await messages.DeleteAsync(User.Id(), id, cancellationToken);
}
