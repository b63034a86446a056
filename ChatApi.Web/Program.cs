using ChatApi.Application;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure;
using ChatApi.Web.Hosting;
using Microsoft.AspNetCore.Connections;

try
{
    EnvFile.Load();
    ServerSetup.KeepSocketsOnPollingThreads();
    var isMigration = args is ["migrate"];
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions
    {
        Args = isMigration ? [] : args,
        ContentRootPath = AppContext.BaseDirectory,
    });
    var settings = new Settings(builder.Configuration);
    builder.ConfigureServer(settings);
    builder.Services.AddApplication(settings);
    builder.Services.AddInfrastructure(settings, builder.Environment.IsDevelopment());
    builder.Services.AddWeb(settings);

    await using var app = builder.Build();
    await app.Services.PrepareDatabaseAsync(isMigration, app.Lifetime.ApplicationStopping);
    if (isMigration)
        return 0;

    app.UseChatApi();
    app.AnnounceStart();
    await app.RunAsync();
    return 0;
}
catch (ConfigurationException exception)
{
    await Console.Error.WriteLineAsync($"ChatApi cannot start: {exception.Message}");
    return 1;
}
catch (IOException exception) when (exception.InnerException is AddressInUseException)
{
    await Console.Error.WriteLineAsync("ChatApi cannot start: the port of PORT or ASPNETCORE_URLS is in use.");
    return 1;
}
