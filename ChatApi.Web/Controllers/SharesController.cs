using System.ComponentModel.DataAnnotations;
using ChatApi.Application.Shares;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;
using ChatApi.Web.Pagination;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace ChatApi.Web.Controllers;

/// <summary>What was shared, for its owner.</summary>
[ApiController]
[Authorize]
[Route("api/chat")]
[Produces("application/json")]
public sealed class SharesController(ShareService shares, Pager pager) : ControllerBase
{
    /// <summary>Shares what a conversation says now, under a link that cannot be guessed.</summary>
    /// <remarks>
    /// The link shows the branch as it is at this moment, whatever becomes of it, until it expires, the share is deleted, or the conversation is.
    /// Whoever has it needs no account. It is told this once: only its hash is kept.
    /// </remarks>
    /// <response code="201">The share, with its link.</response>
    /// <response code="409">There are a hundred already (<c>too_many_shares</c>).</response>
    [HttpPost("sessions/{id}/share", Name = "share_session")]
    [ProducesResponseType<NewShareResponse>(StatusCodes.Status201Created)]
    [ProducesResponseType<ProblemResponse>(StatusCodes.Status409Conflict, "application/problem+json")]
    public async Task<ActionResult<NewShareResponse>> Share(
        Guid id, [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] CreateShareRequest? request, CancellationToken cancellationToken)
    {
        var (share, token) = await shares.CreateAsync(User.Id(), id, request, cancellationToken);
        var url = Url.RouteUrl("get_shared_page", new { token }, Request.Scheme)!;
        return Created(url, new NewShareResponse(share.Id, share.SessionId, share.Title, share.CreatedAt, share.ExpiresAt, token, url));
    }

    /// <summary>What the user has shared, the newest first.</summary>
    /// <param name="limit">How many at most.</param>
    /// <param name="cursor">From the <c>Link</c> header of the page before.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">An array; the <c>Link</c> header leads to the next page.</response>
    [HttpGet("shares", Name = "list_shares")]
    [ProducesResponseType<IReadOnlyList<ShareResponse>>(StatusCodes.Status200OK)]
    public async Task<IReadOnlyList<ShareResponse>> List(
        [Range(1, Pager.MaxLimit)] int limit = Pager.DefaultLimit, string? cursor = null, CancellationToken cancellationToken = default)
    {
        var list = $"shares {User.Id()}";
        var page = await shares.ListAsync(User.Id(), pager.Request(HttpContext, list, limit, cursor), cancellationToken);
        return pager.Respond(HttpContext, list, limit, page);
    }

    /// <summary>Revokes a share: its link does not work any more.</summary>
    /// <response code="200">The share as it was.</response>
    [HttpDelete("shares/{id}", Name = "delete_share")]
    [ProducesResponseType<ShareResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<ShareResponse>> Delete(Guid id, CancellationToken cancellationToken) =>
        await shares.DeleteAsync(User.Id(), id, cancellationToken);
}
