using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using ChatApi.Application;
using ChatApi.Application.Errors;
using ChatApi.Application.Transfers;
using ChatApi.Web.Json;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.Net.Http.Headers;

namespace ChatApi.Web.Transfers;

/// <summary>
/// Reads the files that are imported. They may be arrays, are deeper than other bodies, and come from elsewhere: of what is not kept only
/// that it is JSON matters.
/// </summary>
internal sealed class ImportInputFormatter : TextInputFormatter
{
    private const int MaxDepth = 64;

    /// <summary>Other requests need not be faster than a drip; this one keeps a place that others wait for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly ImportOptions _options;

    public ImportInputFormatter(ImportOptions options)
    {
        _options = options;
        SupportedEncodings.Add(UTF8EncodingWithoutBOM);
        SupportedMediaTypes.Add(MediaTypeHeaderValue.Parse("application/json"));
        SupportedMediaTypes.Add(MediaTypeHeaderValue.Parse("application/*+json"));
    }

    /// <inheritdoc/>
    public override async Task<InputFormatterResult> ReadRequestBodyAsync(InputFormatterContext context, Encoding encoding)
    {
        var http = context.HttpContext;
        var body = await ReadAsync(http.Request, http.RequestAborted);
        if (body.IsEmpty)
            return InputFormatterResult.NoValue();
        await PollingThread.LeaveAsync();
        if (TryParse(body) is not { } document)
        {
            context.ModelState.TryAddModelError("", "Not acceptable JSON.");
            return InputFormatterResult.Failure();
        }

        http.Response.RegisterForDispose(document);
        return InputFormatterResult.Success(new ImportRequest(document.RootElement));
    }

    /// <inheritdoc/>
    protected override bool CanReadType(Type type) => type == typeof(ImportRequest);

    private async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, CancellationToken aborted)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        patience.CancelAfter(Patience);
        var buffer = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, _options.MaxBytes));
        try
        {
            await request.Body.CopyToAsync(buffer, patience.Token);
        }
        catch (OperationCanceledException exception) when (!aborted.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The import took too long to arrive.", StatusCodes.Status408RequestTimeout, exception);
        }

        return StrictJson.WithoutMark(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
    }

    private JsonDocument? TryParse(ReadOnlyMemory<byte> body)
    {
        try
        {
            Count(body.Span);
            var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind == JsonValueKind.Array
                || document.RootElement.ValueKind == JsonValueKind.Object && StrictJson.HasStorableTexts(body.Span, MaxDepth))
                return document;
            document.Dispose();
            return null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Before anything is made of it: a file of brackets alone would take a hundred times its length.</summary>
    private void Count(ReadOnlySpan<byte> body)
    {
        if (!Utf8.IsValid(body))
            throw new JsonException();
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth });
        for (var tokens = 0; reader.Read(); tokens++)
            if (tokens > _options.MaxTokens)
                throw new InvalidRequestException(ErrorCodes.InvalidRequest, "The file has too many parts: please import it in several files.");
    }
}
