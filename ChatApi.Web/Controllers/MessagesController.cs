using System.ComponentModel.DataAnnotations;
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
    /// <param name="limit">How many at most.</param>
    /// <param name="cursor">From the <c>Link</c> header of the page before.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">An array; the <c>Link</c> header leads to the next page.</response>
    [HttpGet("sessions/{id}/messages", Name = "list_messages")]
    [ProducesResponseType<IReadOnlyList<MessageResponse>>(StatusCodes.Status200OK)]
    public async Task<IReadOnlyList<MessageResponse>> List(
        Guid id, [Range(1, Pager.MaxLimit)] int limit = Pager.DefaultLimit, string? cursor = null, CancellationToken cancellationToken = default)
    {
        var list = $"messages {id} {User.Id()}";
        var page = await messages.ListAsync(User.Id(), id, pager.Request(HttpContext, list, limit, cursor), cancellationToken);
        return pager.Respond(HttpContext, list, limit, page);
    }

    /// <summary>Asks, or stores a message as it is.</summary>
    /// <remarks><c>role: user</c> asks, <c>role: assistant</c> imports. A question is answered with itself and its reply, <c>{user_message, assistant_message}</c>; an imported message with itself.</remarks>
    /// <response code="201">The question and its reply, or the imported message.</response>
    [HttpPost("sessions/{id}/messages", Name = "create_message")]
    [StartsRun]
    [ProducesResponseType<TurnResponse>(StatusCodes.Status201Created)]
    public async Task<IActionResult> Create(Guid id, CreateMessageRequest request, CancellationToken cancellationToken)
    {
        if (request.Role != "user")
        {
            var message = await messages.ImportAsync(User.Id(), id, request, cancellationToken);
            return CreatedAtRoute("get_message", new { id = message.Id }, message);
        }

        var question = new SendMessageRequest(request.Content);
        var reply = await runs.CompleteAsync(User.Id(), id, question, IdempotencyKey.Of(Request), cancellationToken);
        IdempotencyKey.MarkReplay(Response, reply.IsReplay);
        return CreatedAtRoute("get_message", new { id = reply.Turn.AssistantMessage.Id }, reply.Turn);
    }

    /// <summary>One message.</summary>
    /// <response code="200">The message.</response>
    [HttpGet("messages/{id}", Name = "get_message")]
    [ProducesResponseType<MessageResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<MessageResponse>> Get(Guid id, CancellationToken cancellationToken) =>
        await messages.GetAsync(User.Id(), id, cancellationToken);

    /// <summary>Deletes a message.</summary>
    /// <response code="200">The message as it was.</response>
    /// <response code="409">It is a reply that is still being made (<c>run_in_progress</c>).</response>
    [HttpDelete("messages/{id}", Name = "delete_message")]
    [ProducesResponseType<MessageResponse>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemDetails>(StatusCodes.Status409Conflict, "application/problem+json")]
    public async Task<ActionResult<MessageResponse>> Delete(Guid id, CancellationToken cancellationToken) =>
        await messages.DeleteAsync(User.Id(), id, cancellationToken);
}
