using System.Security.Claims;
using ChatApi.Web.Errors;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;

namespace ChatApi.Web.Authentication;

/// <summary>What all bearer tokens have in common, whoever issued them.</summary>
internal static class BearerTokens
{
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    /// <param name="options">One scheme's.</param>
    /// <param name="isUser">Whether a token whose signature and times are good is a user's.</param>
    /// <param name="time">Time.</param>
    public static void UseTokensOf(this JwtBearerOptions options, Func<ClaimsPrincipal, bool> isUser, TimeProvider time)
    {
        options.SaveToken = false;
        options.TokenHandlers.Clear();
        options.TokenHandlers.Add(new RememberedTokens(new JsonWebTokenHandler { MapInboundClaims = false }, time));
        options.Events = Events(isUser);
    }

    private static JwtBearerEvents Events(Func<ClaimsPrincipal, bool> isUser) => new()
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
