using System.Globalization;
using ChatApi.Tests.Soak;
using ChatApi.Tests.Support;

namespace ChatApi.Bench.Running;

/// <summary>The long version of the tests' soak: <c>soak [storage] [minutes] [seconds between faults] [users] [seed]</c>.</summary>
internal static class SoakCommand
{
    /// <returns>0 if nothing happened that must not, 1 if something did, 2 if the command cannot be understood.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (!Enum.TryParse<Storage>(Word(arguments, 0, nameof(Storage.Postgres)), ignoreCase: true, out var storage)
            || !TryNumber(arguments, 1, 30, out var minutes) || !TryNumber(arguments, 2, 10, out var pause)
            || !TryNumber(arguments, 3, 20, out var users) || !TryNumber(arguments, 4, Environment.TickCount & 0xFFFFFF, out var seed))
        {
            await Console.Error.WriteLineAsync("soak [Postgres|PostgresAndRedis|PgBouncerTransaction|Sqlite] [minutes] [seconds between faults] [users] [seed]");
            return 2;
        }

        var options = new SoakOptions(storage, TimeSpan.FromMinutes(minutes), TimeSpan.FromSeconds(pause), users, seed);
        try
        {
            var result = await SoakRun.RunAsync(options, Console.WriteLine);
            Console.WriteLine($"{result.Violations.Count} violations");
            return result.Violations.Count == 0 ? 0 : 1;
        }
        finally
        {
            await ChatApiEnvironment.DisposeAllAsync();
        }
    }

    private static string Word(string[] arguments, int index, string otherwise) => arguments.ElementAtOrDefault(index) ?? otherwise;

    private static bool TryNumber(string[] arguments, int index, int otherwise, out int number) => int.TryParse(
        Word(arguments, index, otherwise.ToString(CultureInfo.InvariantCulture)), NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
