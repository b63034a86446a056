using System.ComponentModel.DataAnnotations;
using ChatApi.Application.Sessions;
using ChatApi.Web.Authentication;
using ChatApi.Web.Pagination;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace ChatApi.Web.Controllers;

/// <summary>Conversations.</summary>
[ApiController]
[Authorize]
[Route("api/chat/sessions")]
[Produces("application/json")]
public sealed class SessionsController(SessionService sessions, Pager pager) : ControllerBase
{
    /// <summary>The user's conversations, last active first.</summary>
    /// <param name="limit">How many at most.</param>
    /// <param name="cursor">From the <c>Link</c> header of the page before.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">An array; the <c>Link</c> header leads to the next page.</response>
    [HttpGet(Name = "list_sessions")]
    [ProducesResponseType<IReadOnlyList<SessionResponse>>(StatusCodes.Status200OK)]
    public async Task<IReadOnlyList<SessionResponse>> List(
        [Range(1, Pager.MaxLimit)] int limit = Pager.DefaultLimit, string? cursor = null, CancellationToken cancellationToken = default)
    {
        var list = $"sessions {User.Id()}";
        var page = await sessions.ListAsync(User.Id(), pager.Request(HttpContext, list, limit, cursor), cancellationToken);
        return pager.Respond(HttpContext, list, limit, page);
    }

    /// <summary>Makes a conversation.</summary>
    /// <response code="201">The conversation.</response>
    [HttpPost(Name = "create_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status201Created)]
    public async Task<ActionResult<SessionResponse>> Create(
        [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] CreateSessionRequest? request, CancellationToken cancellationToken)
    {
        var session = await sessions.CreateAsync(User.Id(), request, cancellationToken);
        return CreatedAtRoute("get_session", new { id = session.Id }, session);
    }

    /// <summary>One conversation.</summary>
    /// <response code="200">The conversation.</response>
    [HttpGet("{id}", Name = "get_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionResponse>> Get(Guid id, CancellationToken cancellationToken) =>
        await sessions.GetAsync(User.Id(), id, cancellationToken);

    /// <summary>Renames a conversation.</summary>
    /// <response code="200">The conversation as it is now.</response>
    [HttpPut("{id}", Name = "replace_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionResponse>> Replace(Guid id, UpdateSessionRequest request, CancellationToken cancellationToken) =>
        await sessions.RenameAsync(User.Id(), id, request, cancellationToken);

    /// <summary>Changes what is named of a conversation.</summary>
    /// <response code="200">The conversation as it is now.</response>
    [HttpPatch("{id}", Name = "update_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionResponse>> Update(Guid id, UpdateSessionRequest request, CancellationToken cancellationToken) =>
        request.Title is null
            ? await sessions.GetAsync(User.Id(), id, cancellationToken)
            : await sessions.RenameAsync(User.Id(), id, request, cancellationToken);

    /// <summary>Deletes a conversation with its messages.</summary>
    /// <remarks>A reply in the making is stopped and goes with it.</remarks>
    /// <response code="200">The conversation as it was.</response>
    [HttpDelete("{id}", Name = "delete_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionResponse>> Delete(Guid id, CancellationToken cancellationToken) =>
        await sessions.DeleteAsync(User.Id(), id, cancellationToken);
}
