using System.Security.Claims;
using ChatApi.Web.Errors;
using Microsoft.AspNetCore.Authentication.JwtBearer;

namespace ChatApi.Web.Authentication;

/// <summary>What all bearer tokens have in common, whoever issued them.</summary>
internal static class BearerEvents
{
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    /// <param name="isUser">Whether a token whose signature and times are good is a user's.</param>
    public static JwtBearerEvents Create(Func<ClaimsPrincipal, bool> isUser) => new()
    {
        OnTokenValidated = context =>
        {
            if (!isUser(context.Principal!))
                context.Fail("The token is no user's.");
            return Task.CompletedTask;
        },
        OnChallenge = context =>
        {
            context.HandleResponse();
            return Problem.OfStatus(StatusCodes.Status401Unauthorized).WriteAsync(context.HttpContext);
        },
    };
}
