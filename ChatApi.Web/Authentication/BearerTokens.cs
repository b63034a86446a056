using System.Security.Claims;
using ChatApi.Application.Accounts;
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
        options.TokenHandlers.Add(new JsonWebTokenHandler { MapInboundClaims = false });
        options.Events = Events(isUser, new(time));
    }

    private static bool IsDeleted(ClaimsPrincipal user, HttpContext context) =>
        context.RequestServices.GetRequiredService<DeletedAccounts>().Contains(user.Id());

    private static JwtBearerEvents Events(Func<ClaimsPrincipal, bool> isUser, RememberedTokens remembered) => new()
    {
        OnMessageReceived = context =>
        {
            // A deleted account's token is looked at with every request, although it is remembered.
            if (remembered.Find(context.Request) is { } principal && !IsDeleted(principal, context.HttpContext))
            {
                context.Principal = principal;
                context.Success();
            }

            return Task.CompletedTask;
        },
        OnTokenValidated = context =>
        {
            if (isUser(context.Principal!) && !IsDeleted(context.Principal!, context.HttpContext))
                remembered.Remember(context);
            else
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
