using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>Serves a sample as it was built, from an origin of its own. Nothing is changed in it but where ChatApi is.</summary>
public sealed class SampleSite : IAsyncDisposable
{
    private const string DefaultApi = "content=\"http://localhost:5000\"";

    private readonly WebApplication _app;
    private readonly string _page;

    private SampleSite(WebApplication app, string page)
    {
        _app = app;
        _page = page;
    }

    public Uri Address => new(_app.Urls.First());

    /// <summary>Where the page is to find ChatApi.</summary>
    public Uri? Api { get; set; }

    public static async Task<SampleSite> StartAsync(string directory)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(directory, "index.html"));
        Assert.That(page, Does.Contain(DefaultApi));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var site = new SampleSite(app, page);
        app.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(directory) });
        app.MapGet("/", site.ShowPage);
        await app.StartAsync();
        return site;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private Task ShowPage(HttpContext context)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(_page.Replace(DefaultApi, $"content=\"{Api!.GetLeftPart(UriPartial.Authority)}\"", StringComparison.Ordinal));
    }
}
