using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Soak;

/// <summary>Alone, for it takes both cores. The short version; <c>dotnet run --project bench/ChatApi.Bench -- soak</c> is the long one.</summary>
[NonParallelizable]
public sealed class SoakTests
{
    [Test]
    public async Task Nothing_is_lost_doubled_or_left_open([Values(Storage.Sqlite, Storage.Postgres, Storage.PostgresAndRedis)] Storage storage)
    {
        var options = new SoakOptions(storage, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(5), Users: 6, Seed: Environment.TickCount);

        var result = await SoakRun.RunAsync(options, TestContext.Out.WriteLine);

        Assert.That(result.Violations, Is.Empty);
    }
}
