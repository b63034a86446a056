using ChatApi.Application.Transfers;
using ChatApi.Web.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc.Filters;

namespace ChatApi.Web.Transfers;

/// <summary>An import may be larger than other requests, but there are few at a time. The place is taken before the body is read.</summary>
internal sealed class ImportLimits(ImportOptions options, ImportPlaces places) : IAsyncResourceFilter
{
    public async Task OnResourceExecutionAsync(ResourceExecutingContext context, ResourceExecutionDelegate next)
    {
        var http = context.HttpContext;
        using var place = await places.TakeAsync(http.User.Id(), http.RequestAborted);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = options.MaxBytes;
        await next();
    }
}
