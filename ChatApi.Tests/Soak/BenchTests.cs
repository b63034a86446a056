using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Soak;

/// <summary>The bench is a program beside the tests, and has to stay right: this runs its smallest version, without looking at times.</summary>
[NonParallelizable]
public sealed class BenchTests
{
    [Test]
    public async Task The_bench_finds_every_byte_of_every_server_in_its_place()
    {
        // The same configuration as these tests: …/bin/Release/net10.0.
        var output = Path.GetRelativePath(Repository.File("ChatApi.Tests"), AppContext.BaseDirectory);
        var program = Repository.File("bench", "ChatApi.Bench", output, "ChatApi.Bench.dll");
        Assert.That(program, Does.Exist);

        await using var bench = ChildProcess.Start("dotnet", [program, "smoke"], Repository.Root);

        Assert.That(await bench.WaitForExitAsync(TimeSpan.FromMinutes(5)), Is.Zero, bench.Output);
        Assert.That(bench.Output, Does.Contain("## single").And.Contain("ChatApi").And.Contain("YARP"));
    }
}
