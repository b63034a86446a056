using ChatApi.Application.Accounts;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;

namespace ChatApi.Web.Controllers;

/// <summary>Accounts and tokens.</summary>
[ApiController]
[Route("api/auth")]
[Produces("application/json")]
public sealed class AuthController(AccountService accounts) : ControllerBase
{
    /// <summary>Makes an account and signs it in.</summary>
    /// <response code="201">The account, and a token for it.</response>
    /// <response code="409">The address has an account already (<c>email_taken</c>).</response>
    [HttpPost("register", Name = "register")]
    [ProducesResponseType<SignInResponse>(StatusCodes.Status201Created)]
    [ProducesResponseType<ProblemResponse>(StatusCodes.Status409Conflict, "application/problem+json")]
    public async Task<ActionResult<SignInResponse>> Register(RegisterRequest request, CancellationToken cancellationToken) =>
        StatusCode(StatusCodes.Status201Created, await accounts.RegisterAsync(request, HttpContext.Caller(), cancellationToken));

    /// <summary>Signs in.</summary>
    /// <response code="200">The account, and a token for it.</response>
    /// <response code="401">The address or the password is wrong; it is not said which (<c>invalid_credentials</c>).</response>
    [HttpPost("login", Name = "login")]
    [ProducesResponseType<SignInResponse>(StatusCodes.Status200OK)]
    [ProducesResponseType<ProblemResponse>(StatusCodes.Status401Unauthorized, "application/problem+json")]
    public async Task<ActionResult<SignInResponse>> Login(LoginRequest request, CancellationToken cancellationToken) =>
        await accounts.LoginAsync(request, HttpContext.Caller(), cancellationToken);

    /// <summary>Tells who the token belongs to.</summary>
    /// <response code="200">The account.</response>
    [Authorize]
    [HttpGet("me", Name = "get_me")]
    [ProducesResponseType<AccountResponse>(StatusCodes.Status200OK)]
    public AccountResponse Me() => User.Account();

    /// <summary>Deletes the account that the token belongs to, with all its conversations.</summary>
    /// <remarks>
    /// Replies in the making are stopped. The account's tokens are not good any more: here at once, in other processes within a few
    /// seconds. Nothing brings it back.
    /// </remarks>
    /// <response code="204">The account is gone.</response>
    /// <response code="401">The password is wrong (<c>invalid_credentials</c>), or the token (<c>unauthorized</c>).</response>
    [Authorize]
    [HttpDelete("me", Name = "delete_me")]
    [ProducesResponseType(StatusCodes.Status204NoContent)]
    [ProducesResponseType<ProblemResponse>(StatusCodes.Status401Unauthorized, "application/problem+json")]
    public async Task<NoContentResult> DeleteMe(DeleteAccountRequest request, CancellationToken cancellationToken)
    {
        await accounts.DeleteAsync(User.Account(), request, HttpContext.Caller(), cancellationToken);
        return NoContent();
    }
}
