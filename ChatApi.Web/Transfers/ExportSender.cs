using System.Text;
using ChatApi.Application.Transfers;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace ChatApi.Web.Transfers;

/// <summary>Sends exports as files, as fast as they are taken.</summary>
public sealed partial class ExportSender(IOptions<JsonOptions> json, TimeProvider time, ILogger<ExportSender> logger)
{
    private const int MaxNameLength = 80;

    /// <summary>Sends all that there is, as JSON.</summary>
    public Task SendJsonAsync(HttpContext context, Export export) => SendAsync(
        context, export, "application/json; charset=utf-8", "json",
        () => JsonExport.WriteAsync(context.Response.BodyWriter, export, time.GetUtcNow().UtcDateTime, json.Value.JsonSerializerOptions, context.RequestAborted));

    /// <summary>Sends what conversations show, as Markdown.</summary>
    public Task SendMarkdownAsync(HttpContext context, Export export) => SendAsync(
        context, export, "text/markdown; charset=utf-8", "md",
        () => MarkdownExport.WriteAsync(context.Response.BodyWriter, export, context.RequestAborted));

    private async Task SendAsync(HttpContext context, Export export, string type, string extension, Func<Task> writeAsync)
    {
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName($"{Name(export.Title ?? "ChatApi")} {time.GetUtcNow():yyyy-MM-dd}.{extension}");
        context.Response.Headers.ContentDisposition = disposition.ToString();
        context.Response.ContentType = type;
        try
        {
            await writeAsync();
        }
        catch (Exception exception) when (context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            // A file that is cut off must not look like a whole one.
            LogCutOff(exception);
            context.Abort();
        }
    }

    /// <summary>What file systems and shells can live with.</summary>
    private static string Name(string title)
    {
        var name = new StringBuilder(MaxNameLength);
        foreach (var rune in title.EnumerateRunes().TakeWhile(rune => name.Length + rune.Utf16SequenceLength <= MaxNameLength))
            name.Append(IsPlain(rune) ? rune.ToString() : "-");
        return name.ToString().Trim(' ', '.');
    }

    private static bool IsPlain(Rune rune) => Rune.IsLetterOrDigit(rune) || rune.Value is ' ' or '.' or ',' or '-' or '_' or '(' or ')'
        || !rune.IsAscii && (Rune.IsSymbol(rune) || Rune.IsPunctuation(rune));

    [LoggerMessage(LogLevel.Warning, "An export was cut off")]
    private partial void LogCutOff(Exception exception);
}
