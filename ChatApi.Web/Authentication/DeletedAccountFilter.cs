using ChatApi.Application.Accounts;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;

namespace ChatApi.Web.Authentication;

/// <summary>A body may be long on its way after its token was looked at: an account that was deleted meanwhile writes nothing any more.</summary>
internal sealed class DeletedAccountFilter(DeletedAccounts deleted) : IActionFilter
{
    public void OnActionExecuting(ActionExecutingContext context)
    {
        if (context.HttpContext.Caller() is { IsSignedIn: true } caller && deleted.Contains(caller.UserId))
            context.Result = new UnauthorizedResult();
    }

    public void OnActionExecuted(ActionExecutedContext context)
    {
    }
}
