using ChatApi.Tests.Support;

namespace ChatApi.Tests.Soak;

/// <summary>Does harm, one thing after the other, and mends it. One replica is spared what ends processes: its memory is watched.</summary>
public sealed class SoakFaults
{
    private readonly SoakWorld _world;
    private readonly Random _random;
    private readonly List<(string Name, Func<Task> Strike)> _faults = [];

    public SoakFaults(SoakWorld world, Random random)
    {
        (_world, _random) = (world, random);
        Add("kill", () => OnReplicaAsync(replica => Cluster.Replicas[replica].Kill(), Seconds(1, 4), Cluster.RestartAsync));
        Add("terminate", () => OnReplicaAsync(replica => Cluster.Replicas[replica].Terminate(), Seconds(0, 1), RestartWhenGoneAsync));
        Add("nap", () => OnReplicaAsync(Suspend, Seconds(1, 4), ResumeAsync));
        if (world.Cluster.Storage == Storage.Sqlite)
            return;
        Add("sleep past the lease", () => OnReplicaAsync(Suspend, Seconds(25, 28), ResumeAsync));
        Add("database resets", Once(() => Database.ResetAll()));
        Add("database terminates", () => Cluster.Postgres!.ExecuteAsync(
            $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{Cluster.DatabaseName}'"));
        Add("database away", () => ForAWhileAsync(
            () =>
            {
                Database.Refuse();
                Database.ResetAll();
            },
            Database.Heal));
        Add("database silent", () => ForAWhileAsync(Database.BlackHole, Database.Heal));
        if (world.Cluster.Redis is not { } redis)
            return;
        Add("redis dies", async () =>
        {
            await redis.KillAsync();
            await Task.Delay(Seconds(1, 4));
            await redis.RunAsync();
        });
        Add("redis frozen", () => ForAWhileAsync(redis.Suspend, redis.Resume));
        Add("redis flushed", () => redis.CommandAsync("FLUSHALL"));
        Add("redis full", async () =>
        {
            await redis.CommandAsync("CONFIG", "SET", "maxmemory", "1");
            await Task.Delay(Seconds(1, 4));
            await redis.CommandAsync("CONFIG", "SET", "maxmemory", "0");
        });
        Add("redis resets", Once(() => Cluster.RedisProxy!.ResetAll()));
    }

    private Cluster Cluster => _world.Cluster;

    private FaultProxy Database => Cluster.DatabaseProxy!;

    public async Task StrikeAsync(TimeSpan pause, CancellationToken end)
    {
        while (true)
        {
            try
            {
                await Task.Delay(pause, end);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            var (name, strike) = _faults[_random.Next(_faults.Count)];
            _world.NoteFault(name);
            await strike();
        }
    }

    private static Func<Task> Once(Action strike) => () =>
    {
        strike();
        return Task.CompletedTask;
    };

    private void Add(string name, Func<Task> strike) => _faults.Add((name, strike));

    private TimeSpan Seconds(double from, double to) => TimeSpan.FromSeconds(from + _random.NextDouble() * (to - from));

    private async Task OnReplicaAsync(Action<int> strike, TimeSpan pause, Func<int, Task> mend)
    {
        var replica = Cluster.Replicas.Count == 1 ? 0 : 1 + _random.Next(Cluster.Replicas.Count - 1);
        _world.TakeOut(replica);
        strike(replica);
        await Task.Delay(pause);
        await mend(replica);
        _world.PutBack(replica);
    }

    private async Task ForAWhileAsync(Action strike, Action mend)
    {
        strike();
        await Task.Delay(Seconds(1, 4));
        mend();
    }

    private void Suspend(int replica) => Cluster.Replicas[replica].Suspend();

    private Task ResumeAsync(int replica)
    {
        Cluster.Replicas[replica].Resume();
        return Task.CompletedTask;
    }

    private async Task RestartWhenGoneAsync(int replica)
    {
        var code = await Cluster.Replicas[replica].WaitForExitAsync(TimeSpan.FromSeconds(30));
        if (code != 0)
            _world.Violate($"A replica that was told to stop ended with {code}");
        await Cluster.RestartAsync(replica);
    }
}
