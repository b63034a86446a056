using System.Text.Json;
using System.Text.Json.Serialization;
using ChatApi.Application.Transfers;
using ChatApi.Web.Transfers;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace ChatApi.Web.Json;

/// <summary>How JSON is read and written, in one place for all of the framework's several options.</summary>
internal static class JsonServiceCollectionExtensions
{
    /// <summary>The names and forms of the wire; <see cref="StrictJson"/> has looked at what comes in before.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DictionaryKeyPolicy = null;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.AllowDuplicateProperties = false;
        options.MaxDepth = 32;
        options.Encoder = MinimalJsonEncoder.Instance;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false));
    }

    public static IMvcBuilder AddStrictJson(this IMvcBuilder mvc)
    {
        mvc.Services.ConfigureHttpJsonOptions(options => Apply(options.SerializerOptions));
        mvc.AddJsonOptions(options => Apply(options.JsonSerializerOptions));
        mvc.Services.AddOptions<MvcOptions>().Configure<IOptions<JsonOptions>, ImportOptions>((options, json, imports) =>
        {
            options.InputFormatters.Clear();
            options.InputFormatters.Add(new ImportInputFormatter(imports));
            options.InputFormatters.Add(new StrictJsonInputFormatter(json.Value.JsonSerializerOptions));
        });
        return mvc;
    }
}
