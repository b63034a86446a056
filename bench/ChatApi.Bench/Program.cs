using ChatApi.Bench.Running;
using ChatApi.Bench.Upstream;
using ChatApi.Bench.Yardsticks;

// Before the first socket: replies are checked where they are received, without a thread in between.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

switch (args)
{
    case ["upstream"]:
        await FastUpstream.RunAsync();
        return 0;
    case ["yarp", var upstream]:
        await YarpYardstick.RunAsync(upstream);
        return 0;
    case ["floor", var upstream, var connectionString]:
        await FloorYardstick.RunAsync(upstream, connectionString);
        return 0;
}

if (args is ["soak", ..])
    return await SoakCommand.RunAsync(args[1..]);

if (BenchOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(BenchOptions.Usage);
    return 2;
}

var program = await Publisher.ProgramAsync(options);
var isGood = options.What switch
{
    "curve" => await new CurveRun(options, program).RunAsync(),
    "lengths" => await new LengthsRun(options, program).RunAsync(),
    "replicas" => await new ReplicasRun(options, program).RunAsync(),
    "search" => await new SearchRun(options, program).RunAsync(),
    "start" => await new StartUpRun(options, program).RunAsync(),
    "all" => await new BenchRun(options, program).RunAsync() & await new StartUpRun(options, program).RunAsync(),
    _ => await new BenchRun(options, program).RunAsync(),
};
return isGood ? 0 : 1;
