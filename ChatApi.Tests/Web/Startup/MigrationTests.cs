using System.Diagnostics;
using ChatApi.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace ChatApi.Tests.Web.Startup;

/// <summary>Starts that were interrupted, and several at once, on an empty database. Alone: a start is promised within ten seconds.</summary>
[NonParallelizable]
public sealed class MigrationTests
{
    private static readonly TimeSpan InTime = TimeSpan.FromSeconds(10);

    [Test]
    public async Task A_lock_that_a_killed_process_left_in_the_file_does_not_hold_up_the_next_start()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.File(".env"), "");
        Directory.CreateDirectory(directory.File("data"));
        await using (var connection = new SqliteConnection($"Data Source={directory.File("data/chatapi.db")};Pooling=false"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText =
                """
                CREATE TABLE "__EFMigrationsLock" ("Id" INTEGER NOT NULL CONSTRAINT "PK___EFMigrationsLock" PRIMARY KEY, "Timestamp" TEXT NOT NULL);
                INSERT INTO "__EFMigrationsLock" VALUES (1, '2020-01-01 00:00:00+00:00');
                """;
            await command.ExecuteNonQueryAsync();
        }

        var watch = Stopwatch.StartNew();
        await using var server = await ChatApiProcess.StartAsync(workingDirectory: directory.Path);

        Assert.That(watch.Elapsed, Is.LessThan(InTime));
    }

    [Test]
    public async Task Starts_that_are_killed_anywhere_leave_a_database_that_the_next_one_can_use([Values] bool postgres)
    {
        var server = postgres ? await ChatApiEnvironment.PostgresAsync() : null;
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.File(".env"), "");
        var environment = new Dictionary<string, string?>
        {
            ["JWT_SECRET_KEY"] = TestTokens.Key,
            ["DATABASE_URL"] = server?.Url(await server.CreateDatabaseAsync()),
        };
        var random = new Random(5);
        for (var i = 0; i < 8; i++)
        {
            await using var doomed = ChatApiProcess.Launch(environment, directory.Path, []);
            await Task.Delay(random.Next(200, 2500));
            doomed.Kill();
        }

        var replicas = await Task.WhenAll(Enumerable.Range(0, postgres ? 3 : 1).Select(_ => ChatApiProcess.StartAsync(environment, directory.Path)));

        foreach (var replica in replicas)
        {
            await ApiClient.NewUser(replica).CreateSessionAsync();
            await replica.DisposeAsync();
        }
    }
}
