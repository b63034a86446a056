using ChatApi.Application.Runs;
using ChatApi.Application.UIChats;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;
using ChatApi.Web.Streaming;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;

namespace ChatApi.Web.Controllers;

/// <summary>Chat for <c>useChat</c> of the Vercel AI SDK.</summary>
[ApiController]
[Authorize]
[Route("api/chat/ui")]
[Produces("application/json")]
public sealed class UIChatController(UIChatService chats) : ControllerBase
{
    /// <summary>The client sends all of its conversation with each question.</summary>
    private const int MaxBody = 4 * 1024 * 1024;

    /// <summary>Asks, asks anew or makes a reply anew, and streams the reply as it is made.</summary>
    /// <remarks>
    /// Only the last message counts; the history is the stored one. The same message again leads to the same reply, whether it still
    /// is made or has ended.
    /// </remarks>
    /// <response code="200">The AI SDK's UI message stream.</response>
    [HttpPost(Name = "stream_ui_message")]
    [StartsRun]
    [RequestSizeLimit(MaxBody)]
    [Produces("text/event-stream")]
    public async Task Chat(UIChatRequest request, [FromServices] SseWriter sse, CancellationToken cancellationToken)
    {
        var view = await chats.StartAsync(HttpContext.Caller(), request, IdempotencyKey.Of(Request), cancellationToken);
        IdempotencyKey.MarkReplay(Response, view.IsReplay);
        await sse.WriteUIMessageAsync(HttpContext, view);
    }

    /// <summary>Comes back to the reply in the making, from its beginning.</summary>
    /// <param name="id">What the client calls the conversation, or its UUID.</param>
    /// <param name="sse">Writes the events.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">The AI SDK's UI message stream.</response>
    /// <response code="204">Nothing is being made, or there is no such conversation.</response>
    [HttpGet("{id}/stream", Name = "resume_ui_message")]
    [Produces("text/event-stream")]
    [ProducesResponseType(StatusCodes.Status204NoContent)]
    public async Task Resume(string id, [FromServices] SseWriter sse, CancellationToken cancellationToken)
    {
        if (await chats.OpenAsync(User.Id(), id, cancellationToken) is { } view)
            await sse.WriteUIMessageAsync(HttpContext, view);
        else
            Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Stops the reply in the making, wherever it is made; the text so far is kept.</summary>
    /// <remarks>To stop what has ended changes nothing.</remarks>
    /// <param name="id">What the client calls the conversation, or its UUID.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">The run as it is now.</response>
    [HttpPost("{id}/stop", Name = "stop_ui_message")]
    [ProducesResponseType<RunResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<RunResponse>> Stop(string id, CancellationToken cancellationToken) =>
        await chats.StopAsync(User.Id(), id, cancellationToken);

    /// <summary>The latest messages of a conversation for the first render, oldest first.</summary>
    /// <remarks>200 at most, of the branch that is shown. A reply in the making is not among them: it comes with the stream.</remarks>
    /// <param name="id">What the client calls the conversation, or its UUID.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">An array of UI messages; empty where there is no such conversation yet.</response>
    [HttpGet("{id}/messages", Name = "get_ui_messages")]
    [ProducesResponseType<IReadOnlyList<UIMessageResponse>>(StatusCodes.Status200OK)]
    public Task<IReadOnlyList<UIMessageResponse>> List(string id, CancellationToken cancellationToken) =>
        chats.ListAsync(User.Id(), id, cancellationToken);
}
