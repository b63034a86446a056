using System.Globalization;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Costs;

/// <summary>What a Redis has cost so far.</summary>
/// <param name="CpuSeconds">User and system time.</param>
/// <param name="Entries">Entries added to journals.</param>
internal readonly record struct RedisCost(double CpuSeconds, long Entries)
{
    public static RedisCost operator -(RedisCost after, RedisCost before) =>
        new(after.CpuSeconds - before.CpuSeconds, after.Entries - before.Entries);

    public static async Task<RedisCost> ReadAsync(RedisServer server)
    {
        var cpu = await server.CommandAsync("INFO", "cpu");
        var commands = await server.CommandAsync("INFO", "commandstats");
        return new(Number(cpu, "used_cpu_sys:") + Number(cpu, "used_cpu_user:"), (long)Number(commands, "cmdstat_xadd:calls="));
    }

    /// <summary>What follows a name in the answer to <c>INFO</c>; 0 where it does not occur.</summary>
    public static double Number(string info, string name)
    {
        var at = info.IndexOf($"\n{name}", StringComparison.Ordinal);
        if (at < 0)
            return 0;
        var value = info[(at + 1 + name.Length)..];
        return double.Parse(value[..value.IndexOfAny([',', '\r', '\n'])], CultureInfo.InvariantCulture);
    }
}
