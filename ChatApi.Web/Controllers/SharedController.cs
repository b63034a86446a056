using ChatApi.Application.Errors;
using ChatApi.Application.Shares;
using ChatApi.Web.Shares;
using Microsoft.AspNetCore.Mvc;

namespace ChatApi.Web.Controllers;

/// <summary>What was shared, for whoever has the link.</summary>
[ApiController]
[Produces("application/json")]
public sealed class SharedController(ShareService shares) : ControllerBase
{
    /// <summary>What was shared under a link.</summary>
    /// <remarks>No token is needed. A link that is wrong, revoked or expired, or whose conversation is gone, is the same 404.</remarks>
    /// <param name="token">The last part of the link.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">The messages, oldest first.</response>
    [HttpGet("api/shared/{token}", Name = "get_shared")]
    [ProducesResponseType<SharedResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<SharedResponse>> Get(string token, CancellationToken cancellationToken) =>
        await shares.ReadAsync(token, cancellationToken);

    /// <summary>The same as a page without scripts.</summary>
    /// <param name="token">The last part of the link.</param>
    /// <param name="cancellationToken">The client has left.</param>
    [HttpGet("shared/{token}", Name = "get_shared_page")]
    [HttpHead("shared/{token}")]
    [ApiExplorerSettings(IgnoreApi = true)]
    public async Task GetPage(string token, CancellationToken cancellationToken)
    {
        SharedResponse? shared = null;
        try
        {
            shared = await shares.ReadAsync(token, cancellationToken);
        }
        catch (NotFoundException)
        {
            // Told as a page.
        }

        await (shared is null ? SharedPage.WriteNothingAsync(Response) : SharedPage.WriteAsync(Response, shared));
    }
}
