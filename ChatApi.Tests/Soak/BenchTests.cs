using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Soak;

/// <summary>The benches are programs beside the tests, and have to stay right: this runs their smallest versions, without looking at times.</summary>
[NonParallelizable]
public sealed class BenchTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [TestCase("smoke --redis", "## single", "YARP", "ChatApi + Redis")]
    [TestCase("curve --smoke", "## curve", "memory per stream", "Drawn: ")]
    [TestCase("lengths --smoke", "## lengths", "100,000 messages")]
    [TestCase("replicas --smoke --redis", "## replicas", "3 + Redis")]
    public async Task The_bench_finds_every_byte_of_every_server_in_its_place(string arguments, params string[] printed)
    {
        await using var bench = ChildProcess.Start("dotnet", [Program("ChatApi.Bench"), .. arguments.Split(' ')], Repository.Root);

        Assert.That(await bench.WaitForExitAsync(Patience), Is.Zero, bench.Output);
        foreach (var text in printed)
            Assert.That(bench.Output, Does.Contain(text));
    }

    [Test]
    public async Task Each_micro_benchmark_runs_and_checks_what_it_made()
    {
        await using var bench = ChildProcess.Start("dotnet", [Program("ChatApi.MicroBench"), "--filter", "*", "--job", "dry"], Repository.Root);

        Assert.That(await bench.WaitForExitAsync(Patience), Is.Zero, bench.Output);
        Assert.That(bench.Output, Does.Contain("PieceOfReply").And.Contain("MustBeCounted").And.Contain("Allocated"));
    }

    private static string Program(string name)
    {
        // The same configuration as these tests: …/bin/Release/net10.0.
        var output = Path.GetRelativePath(Repository.File("ChatApi.Tests"), AppContext.BaseDirectory);
        var program = Repository.File("bench", name, output, $"{name}.dll");
        Assert.That(program, Does.Exist);
        return program;
    }
}
