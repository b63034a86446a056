using ChatApi.Tests.Support;

namespace ChatApi.Tests.Web.Telemetry;

/// <summary>A ChatApi that sends what it can tell to a collector, with a scripted model.</summary>
internal sealed class TelemetryWorld : IAsyncDisposable
{
    private TelemetryWorld(OtlpReceiver collector, ScriptedUpstream upstream) =>
        (Collector, Upstream, Model) = (collector, upstream, new(upstream));

    public OtlpReceiver Collector { get; }

    public ScriptedUpstream Upstream { get; }

    public ModelScripts Model { get; }

    public ChatApiProcess Server { get; private set; } = null!;

    /// <param name="database">SQLite, or PostgreSQL.</param>
    /// <param name="settings">More settings.</param>
    public static async Task<TelemetryWorld> StartAsync(DatabaseKind database = DatabaseKind.Sqlite, params (string Name, string? Value)[] settings)
    {
        var world = new TelemetryWorld(await OtlpReceiver.StartAsync(), ScriptedUpstream.Start());
        try
        {
            var postgres = database == DatabaseKind.Postgres ? await ChatApiEnvironment.PostgresAsync() : null;
            var all = ChatApiEnvironment.Settings(world.Upstream, postgres?.Url(await postgres.CreateDatabaseAsync()));
            foreach (var (name, value) in world.Collector.Settings().Select(setting => (setting.Key, setting.Value)).Concat(settings))
                all[name] = value;
            world.Server = await ChatApiProcess.StartAsync(all);
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Server is not null)
            await Server.DisposeAsync();
        await Upstream.DisposeAsync();
        await Collector.DisposeAsync();
    }
}
