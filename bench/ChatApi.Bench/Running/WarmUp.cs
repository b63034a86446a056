using ChatApi.Bench.Load;

namespace ChatApi.Bench.Running;

/// <summary>The first seconds of a process are the compiler's, and half of its costs: serves until that is over.</summary>
internal static class WarmUp
{
    private const int Most = 15;

    /// <summary>So few methods compiled in a warm-up, and the compiler has done what there was to do.</summary>
    private const int FewMethods = 50;

    public static async Task RunAsync(Contestant contestant, Stage stage)
    {
        var methods = long.MaxValue;
        for (var i = 0; i < Most && methods > FewMethods * contestant.Servers.Count; i++)
        {
            methods = 0;
            foreach (var workload in Workload.WarmUps)
                methods += (await Measurement.TakeAsync(workload, contestant, stage, countCommands: false)).Runtime.Methods;
        }
    }
}
