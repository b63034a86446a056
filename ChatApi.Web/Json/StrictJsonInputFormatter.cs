using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.Net.Http.Headers;

namespace ChatApi.Web.Json;

/// <summary>Reads bodies as JSON, after <see cref="StrictJson"/> has looked at them whole; Kestrel limits how long they are.</summary>
internal sealed class StrictJsonInputFormatter : TextInputFormatter
{
    private readonly JsonSerializerOptions _options;

    public StrictJsonInputFormatter(JsonSerializerOptions options)
    {
        _options = options;
        SupportedEncodings.Add(UTF8EncodingWithoutBOM);
        SupportedMediaTypes.Add(MediaTypeHeaderValue.Parse("application/json"));
        SupportedMediaTypes.Add(MediaTypeHeaderValue.Parse("application/*+json"));
    }

    /// <inheritdoc/>
    public override async Task<InputFormatterResult> ReadRequestBodyAsync(InputFormatterContext context, Encoding encoding)
    {
        using var buffer = new MemoryStream();
        await context.HttpContext.Request.Body.CopyToAsync(buffer, context.HttpContext.RequestAborted);
        var body = StrictJson.WithoutMark(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
        if (body.IsEmpty)
            return context.TreatEmptyInputAsDefaultValue ? InputFormatterResult.Success(null) : InputFormatterResult.NoValue();
        if (!StrictJson.IsAcceptable(body))
        {
            context.ModelState.TryAddModelError("", "Not acceptable JSON.");
            return InputFormatterResult.Failure();
        }

        try
        {
            return InputFormatterResult.Success(JsonSerializer.Deserialize(body.Span, context.ModelType, _options));
        }
        catch (JsonException exception)
        {
            context.ModelState.TryAddModelError(exception.Path ?? "", "A value of the wrong type.");
            return InputFormatterResult.Failure();
        }
    }
}
