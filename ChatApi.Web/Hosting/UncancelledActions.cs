using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace ChatApi.Web.Hosting;

/// <summary>
/// Gives actions a token that is never cancelled in the place of the request's: theirs go to the database, where a client that leaves
/// would hold up the streams of all others (<see cref="ChatApi.Application.PollingThread"/> says how). The statement that is under way is finished;
/// what waits for anything else, such as a reply, uses <see cref="HttpContext.RequestAborted"/>.
/// </summary>
internal sealed class UncancelledActions : IModelBinderProvider, IModelBinder
{
    public IModelBinder? GetBinder(ModelBinderProviderContext context) =>
        context.Metadata.ModelType == typeof(CancellationToken) ? this : null;

    public Task BindModelAsync(ModelBindingContext bindingContext)
    {
        // Its wait handle is nothing to be validated.
        object none = CancellationToken.None;
        bindingContext.ValidationState[none] = new() { SuppressValidation = true };
        bindingContext.Result = ModelBindingResult.Success(none);
        return Task.CompletedTask;
    }
}
