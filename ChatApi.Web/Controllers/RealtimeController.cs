using ChatApi.Application.Runs;
using ChatApi.Application.Sessions;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;
using ChatApi.Web.Streaming;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace ChatApi.Web.Controllers;

/// <summary>Chat with the reply streamed as it is made.</summary>
[ApiController]
[Authorize]
[Route("api/chat/realtime/sessions")]
[Produces("application/json")]
public sealed class RealtimeController(SessionService sessions, RunService runs, RunWatcher watcher) : ControllerBase
{
    /// <summary>Makes a conversation, with a first message if there is one.</summary>
    /// <remarks>The first message is stored without a reply.</remarks>
    /// <response code="201">The conversation.</response>
    [HttpPost(Name = "start_session")]
    [ProducesResponseType<SessionResponse>(StatusCodes.Status201Created)]
    public async Task<ActionResult<SessionResponse>> Create(
        [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] StartSessionRequest? request, CancellationToken cancellationToken)
    {
        var session = await sessions.CreateAsync(User.Id(), request, cancellationToken);
        return CreatedAtRoute("get_session", new { id = session.Id }, session);
    }

    /// <summary>Asks, and streams the reply as it is made.</summary>
    /// <response code="200">Server-Sent Events: <c>start</c>, <c>content</c> as often as needed, then one <c>done</c> or <c>error</c>.</response>
    [HttpPost("{id}/stream", Name = "stream_reply")]
    [StartsRun]
    [Produces("text/event-stream")]
    public async Task Stream(Guid id, SendMessageRequest request, [FromServices] SseWriter sse, CancellationToken cancellationToken)
    {
        var view = await runs.StartAsync(HttpContext.Caller(), id, request, IdempotencyKey.Of(Request), cancellationToken);
        IdempotencyKey.MarkReplay(Response, view.IsReplay);
        await sse.WriteAsync(HttpContext, view, resumable: false);
    }

    /// <summary>Asks anew in the place of a question, and streams the reply as it is made.</summary>
    /// <remarks>Nothing is overwritten: the question and what followed it stay on a branch of their own, and each message names its siblings.</remarks>
    /// <response code="200">Server-Sent Events: <c>start</c>, <c>content</c> as often as needed, then one <c>done</c> or <c>error</c>.</response>
    /// <response code="409">There is no such question (<c>no_question</c>), a reply is still being made (<c>run_in_progress</c>), or a thousand messages follow the same one (<c>too_many_siblings</c>).</response>
    [HttpPost("{id}/edit", Name = "edit_message")]
    [StartsRun]
    [Produces("text/event-stream")]
    public async Task Edit(Guid id, EditMessageRequest request, [FromServices] SseWriter sse, CancellationToken cancellationToken)
    {
        var view = await runs.EditAsync(HttpContext.Caller(), id, request, IdempotencyKey.Of(Request), cancellationToken);
        IdempotencyKey.MarkReplay(Response, view.IsReplay);
        await sse.WriteAsync(HttpContext, view, resumable: false);
    }

    /// <summary>Makes a reply anew, and streams it as it is made.</summary>
    /// <remarks>The reply that was there stays, on a branch of its own. A question that has no reply yet gets one.</remarks>
    /// <response code="200">Server-Sent Events: <c>start</c>, <c>content</c> as often as needed, then one <c>done</c> or <c>error</c>.</response>
    /// <response code="409">There is no such question (<c>no_question</c>), a reply is still being made (<c>run_in_progress</c>), or a thousand messages follow the same one (<c>too_many_siblings</c>).</response>
    [HttpPost("{id}/regenerate", Name = "regenerate_reply")]
    [StartsRun]
    [Produces("text/event-stream")]
    public async Task Regenerate(
        Guid id, [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] RegenerateRequest? request, [FromServices] SseWriter sse,
        CancellationToken cancellationToken)
    {
        var view = await runs.RegenerateAsync(
            HttpContext.Caller(), id, request ?? new RegenerateRequest(null), IdempotencyKey.Of(Request), cancellationToken);
        IdempotencyKey.MarkReplay(Response, view.IsReplay);
        await sse.WriteAsync(HttpContext, view, resumable: false);
    }

    /// <summary>Comes back to a reply: the one in the making from its beginning, or what comes after a cursor.</summary>
    /// <param name="id">The conversation.</param>
    /// <param name="run_id">The run that was watched; <c>Last-Event-ID</c> wins over it.</param>
    /// <param name="after">The <c>seq</c> of the last event that arrived.</param>
    /// <param name="sse">Writes the events.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">Server-Sent Events for <c>EventSource</c>: each has an <c>id</c> to go on from.</response>
    /// <response code="204">Nothing is being made, or nothing comes after the cursor.</response>
    [HttpGet("{id}/stream", Name = "resume_reply")]
    [Produces("text/event-stream")]
    [ProducesResponseType(StatusCodes.Status204NoContent)]
#pragma warning disable CA1707 // The name is the contract's.
    public async Task Resume(
        Guid id, string? run_id, string? after, [FromServices] SseWriter sse, CancellationToken cancellationToken)
#pragma warning restore CA1707
    {
        var cursor = EventCursor.Read(Request, run_id, after);
        if (await watcher.OpenAsync(User.Id(), id, cursor, cancellationToken) is { } view)
            await sse.WriteAsync(HttpContext, view, resumable: true);
        else
            Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Stops the reply in the making, wherever it is made; the text so far is kept.</summary>
    /// <remarks>To stop what has ended changes nothing.</remarks>
    /// <response code="200">The run as it is now.</response>
    [HttpPost("{id}/stop", Name = "stop_reply")]
    [ProducesResponseType<RunResponse>(StatusCodes.Status200OK)]
    public async Task<ActionResult<RunResponse>> Stop(
        Guid id, [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] StopRequest? request, CancellationToken cancellationToken) =>
        await runs.StopAsync(User.Id(), id, request?.RunId, cancellationToken);
}
