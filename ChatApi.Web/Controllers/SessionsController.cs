using System.ComponentModel.DataAnnotations;
using ChatApi.Application.Errors;
using ChatApi.Application.Messages;
using ChatApi.Application.Sessions;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;
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
    /// <remarks>
    /// With <c>q</c>: those of which the title or a message has words that begin with each of its words, whatever their case and accents;
    /// <c>snippet</c> shows the newest such message. <c>deleted=true</c> shows the trash, last deleted first.
    /// </remarks>
    /// <param name="q">What to search for, 200 characters at most.</param>
    /// <param name="pinned">Only those that are pinned, or only those that are not.</param>
    /// <param name="archived">Those that are archived, instead of those that are not.</param>
    /// <param name="deleted">Those in the trash, instead of the others.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cursor">From the <c>Link</c> header of the page before.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">An array; the <c>Link</c> header leads to the next page.</response>
    [HttpGet(Name = "list_sessions")]
    [ProducesResponseType<IReadOnlyList<SessionResponse>>(StatusCodes.Status200OK)]
    public async Task<IReadOnlyList<SessionResponse>> List(
        string? q = null, bool? pinned = null, bool? archived = null, bool deleted = false,
        [Range(1, Pager.MaxLimit)] int limit = Pager.DefaultLimit, string? cursor = null, CancellationToken cancellationToken = default)
    {
        var filter = new SessionFilter(q, pinned, archived, deleted);
        var query = Query(filter);
        var list = query.Length == 0 ? $"sessions {User.Id()}" : $"sessions {User.Id()} {query}";
        var page = await sessions.ListAsync(User.Id(), filter, pager.Request(HttpContext, list, limit, cursor), cancellationToken);
        return pager.Respond(HttpContext, list, limit, page, query);
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

    /// <summary>Renames a conversation, and changes what else is named of it.</summary>
    /// <response code="200">The conversation as it is now.</response>
    [HttpPut("{id}", Name = "replace_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionResponse>> Replace(Guid id, ReplaceSessionRequest request, CancellationToken cancellationToken) =>
        await sessions.ReplaceAsync(User.Id(), id, request, cancellationToken);

    /// <summary>Changes what is named of a conversation.</summary>
    /// <response code="200">The conversation as it is now.</response>
    [HttpPatch("{id}", Name = "update_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionResponse>> Update(Guid id, UpdateSessionRequest request, CancellationToken cancellationToken) =>
        await sessions.UpdateAsync(User.Id(), id, request, cancellationToken);

    /// <summary>Shows another branch of a conversation.</summary>
    /// <remarks>
    /// What is asked or answered anew stays beside what was there before. The branch that goes through the message is shown from now on, down to
    /// the newest message that follows it, and the next question goes on from there.
    /// </remarks>
    /// <response code="200">The last message of the branch.</response>
    /// <response code="409">A reply is still being made (<c>run_in_progress</c>).</response>
    [HttpPut("{id}/branch", Name = "show_branch")]
    [ProducesResponseType<MessageResponse>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemResponse>(StatusCodes.Status409Conflict, "application/problem+json")]
    public async Task<ActionResult<MessageResponse>> ShowBranch(
        Guid id, ShowBranchRequest request, [FromServices] Branches branches, CancellationToken cancellationToken) =>
        Guid.TryParse(request.MessageId, out var messageId)
            ? await branches.ShowAsync(User.Id(), id, messageId, cancellationToken)
            : throw new NotFoundException();

    /// <summary>Deletes a conversation with its messages.</summary>
    /// <remarks>A reply in the making is stopped. The conversation goes into the trash, from where it can be restored for a time.</remarks>
    /// <param name="id">The conversation.</param>
    /// <param name="permanent">Deletes it for good, from the trash, too.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">The conversation as it was.</response>
    [HttpDelete("{id}", Name = "delete_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionResponse>> Delete(Guid id, bool permanent = false, CancellationToken cancellationToken = default) =>
        await sessions.DeleteAsync(User.Id(), id, permanent, cancellationToken);

    /// <summary>Takes a conversation out of the trash.</summary>
    /// <response code="200">The conversation.</response>
    [HttpPost("{id}/restore", Name = "restore_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SessionResponse>> Restore(Guid id, CancellationToken cancellationToken) =>
        await sessions.RestoreAsync(User.Id(), id, cancellationToken);

    /// <summary>What makes the list, in one way of writing it.</summary>
    private static string Query(SessionFilter filter)
    {
        var parts = new List<string>();
        if (filter.IsSearch)
            parts.Add($"q={Uri.EscapeDataString(filter.Query!)}");
        if (filter.Pinned is { } pinned)
            parts.Add(pinned ? "pinned=true" : "pinned=false");
        if (filter.Archived is { } archived)
            parts.Add(archived ? "archived=true" : "archived=false");
        if (filter.Deleted)
            parts.Add("deleted=true");
        return string.Concat(parts.Select(part => part + "&"));
    }
}
