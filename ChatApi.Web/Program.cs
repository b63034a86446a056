using ChatApi.Application;
using ChatApi.Application.Configuration;
using ChatApi.Infrastructure;
using ChatApi.Web.Hosting;
using ChatApi.Web.Telemetry;

var hasStarted = false;
try
{
    EnvFile.Load();
    ServerSetup.KeepSocketsOnPollingThreads();
    var isMigration = args is ["migrate"];
    var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
    {
        Args = isMigration ? [] : args,
        ContentRootPath = AppContext.BaseDirectory,
    });
    var settings = new Settings(builder.Configuration);
    builder.ConfigureLog(settings);
    builder.ConfigureServer(settings);
    builder.Services.AddApplication(settings);
    builder.Services.AddInfrastructure(settings, builder.Environment.IsDevelopment());
    builder.Services.AddWeb(settings);
    builder.ConfigureTelemetry(settings);

    await using var app = builder.Build();
    await app.Services.PrepareDatabaseAsync(isMigration, app.Lifetime.ApplicationStopping);
    if (isMigration)
        return 0;

    app.UseChatApi();
    app.AnnounceStart();
    await app.StartAsync();
    hasStarted = true;
    ServerSetup.ReturnWhatTheStartLeft();
    await app.WaitForShutdownAsync();
    return 0;
}
catch (Exception exception) when (!hasStarted && StartFailures.Explain(exception) is { } reason)
{
    await Console.Error.WriteLineAsync($"ChatApi cannot start: {reason}");
    return 1;
}
