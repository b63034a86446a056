using ChatApi.Bench.Load;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Running;

/// <summary>One of the servers that are compared.</summary>
/// <param name="Name">What it is called in tables.</param>
/// <param name="Servers">Its processes; more than one share their database, and are asked in turn.</param>
/// <param name="Target">How it is asked.</param>
/// <param name="Database">Its database on the stage's PostgreSQL; null where it has none.</param>
/// <param name="Redis">Its Redis; null where it has none.</param>
internal sealed record Contestant(
    string Name, IReadOnlyList<ServerProcess> Servers, Target Target, string? Database = null, RedisServer? Redis = null)
{
    /// <summary>The upstream, without a server before it: what the machine and the load generator add by themselves.</summary>
    public const string Direct = "direct";

    public const string Yarp = "YARP";

    public const string Floor = "floor";

    public const string ChatApi = "ChatApi";

    public const string ChatApiRedis = "ChatApi + Redis";
}
