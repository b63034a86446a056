using System.ComponentModel.DataAnnotations;
using ChatApi.Application.Transfers;
using ChatApi.Web.Authentication;
using ChatApi.Web.OpenApi;
using ChatApi.Web.Transfers;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;

namespace ChatApi.Web.Controllers;

/// <summary>Conversations as files.</summary>
[ApiController]
[Authorize]
[Route("api/chat")]
[Produces("application/json")]
public sealed class TransfersController(ExportService exports, ImportService imports, ExportSender sender) : ControllerBase
{
    private const string Markdown = "markdown";

    /// <summary>A conversation as a file.</summary>
    /// <remarks>
    /// JSON has all of it and can be imported again; Markdown has the branch that is shown, to be read. A reply in the making is not in it.
    /// </remarks>
    /// <param name="id">The conversation.</param>
    /// <param name="format"><c>json</c> or <c>markdown</c>.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <response code="200">The file.</response>
    [HttpGet("sessions/{id}/export", Name = "export_session")]
    [ProducesResponseType<ExportDocument>(StatusCodes.Status200OK, "application/json", "text/markdown")]
    public async Task ExportSession(Guid id, [AllowedValues("json", Markdown)] string format = "json", CancellationToken cancellationToken = default)
    {
        var export = await exports.OpenAsync(User.Id(), id, cancellationToken);
        await (format == Markdown ? sender.SendMarkdownAsync(HttpContext, export) : sender.SendJsonAsync(HttpContext, export));
    }

    /// <summary>All conversations of the user as a file.</summary>
    /// <remarks>What is in the trash is not in it, nor replies in the making.</remarks>
    /// <response code="200">The file.</response>
    [HttpGet("export", Name = "export_all")]
    [ProducesResponseType<ExportDocument>(StatusCodes.Status200OK)]
    public async Task ExportAll(CancellationToken cancellationToken) =>
        await sender.SendJsonAsync(HttpContext, await exports.OpenAsync(User.Id(), cancellationToken));

    /// <summary>Takes a file in: an export, or ChatGPT's <c>conversations.json</c>.</summary>
    /// <remarks>
    /// All of it is looked at before anything is stored, and all of it is stored or nothing. Every conversation and message gets a new id. It may
    /// be larger than other requests (32 MB unless the operator says otherwise). Of ChatGPT's files the messages of people and of the model are
    /// taken, with their branches.
    /// </remarks>
    /// <response code="201">What was taken in.</response>
    [HttpPost("import", Name = "import")]
    [ServiceFilter<ImportLimits>]
    [ProducesResponseType<ImportResponse>(StatusCodes.Status201Created)]
    public async Task<ActionResult<ImportResponse>> Import(ImportRequest request, CancellationToken cancellationToken)
    {
        var imported = await imports.ImportAsync(User.Id(), request, cancellationToken);
        return imported.Ids is [var only] ? CreatedAtRoute("get_session", new { id = only }, imported) : CreatedAtRoute("list_sessions", null, imported);
    }
}
