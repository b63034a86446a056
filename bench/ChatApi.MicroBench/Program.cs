using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using ChatApi.MicroBench;

// In this process: a program of its own for each benchmark would be built under the rules of this repository, which are not made for it.
string[] all = [.. args, "--inProcess", .. args.Contains("--job") ? Array.Empty<string>() : ["--job", "short"]];
var config = DefaultConfig.Instance
    .WithArtifactsPath(Path.Combine("artifacts", "bench", "micro"))
    .WithOptions(ConfigOptions.DisableLogFile | ConfigOptions.JoinSummary);
var summaries = BenchmarkSwitcher.FromAssembly(typeof(WritingBenchmarks).Assembly).Run(all, config).ToList();

// The library goes on after a benchmark that throws; whoever runs this is to notice.
return summaries.Count > 0 && summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success)) ? 0 : 1;
