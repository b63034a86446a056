using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;
using NUnit.Framework;

namespace ChatApi.Tests.Support;

/// <summary>The servers that other tests stand on are what they say they are.</summary>
public sealed class RealServersTests
{
    [Test]
    public async Task PostgreSQL_15_answers_in_a_time_zone_that_is_not_UTC()
    {
        await using var postgres = await PostgresServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();

        var version = await AskAsync(postgres.AdministratorConnectionString(database), "SHOW server_version");
        var zone = await AskAsync(postgres.AdministratorConnectionString(database), "SHOW timezone");

        Assert.That(version, Does.StartWith("15."));
        Assert.That(zone, Is.EqualTo("America/Bogota"));
    }

    [TestCase(PoolMode.Session)]
    [TestCase(PoolMode.Transaction)]
    public async Task Pgbouncer_pools_as_it_was_told(PoolMode mode)
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var pooler = await PgBouncer.StartAsync(postgres, mode);
        var url = new Uri(pooler.Url(await postgres.CreateDatabaseAsync()));
        var connectionString = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host,
            Port = url.Port,
            Username = PostgresServer.UserName,
            Password = PostgresServer.Password,
            Database = url.AbsolutePath.Trim('/'),
            Pooling = false,
            NoResetOnClose = true,
        }.ConnectionString;
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using (var create = new NpgsqlCommand("SET statement_timeout = '77s'", connection))
            await create.ExecuteNonQueryAsync();

        // With one session pinned, only transaction pooling lends its server connection, and what was set on it, to another client.
        var seenByAnother = await AskAsync(connectionString, "SHOW statement_timeout");

        Assert.That(seenByAnother, Is.EqualTo(mode == PoolMode.Transaction ? "77s" : "0"));
        Assert.That(url.Query, Is.EqualTo(mode == PoolMode.Transaction ? "?pgbouncer=true" : "?connection_limit=10"));
    }

    [Test]
    public async Task Redis_wants_its_password_and_keeps_nothing_when_it_is_killed()
    {
        await using var redis = await RedisServer.StartAsync();
        Assert.That(await SayAsync(redis.Port, "GET key"), Does.StartWith("-NOAUTH"), "without a password");
        Assert.That(await SayAsync(redis.Port, "AUTH wrong"), Does.StartWith("-WRONGPASS"));

        Assert.That(await redis.CommandAsync("SET", "key", "value"), Is.EqualTo("+OK"));
        Assert.That(async () => await redis.CommandAsync("INCR", "key"), Throws.InvalidOperationException, "an error is none of the answers");
        await redis.KillAsync();
        await redis.RunAsync();
        Assert.That(await redis.CommandAsync("GET", "key"), Is.EqualTo("$-1"));
    }

    [Test]
    public async Task Redis_that_is_suspended_answers_when_it_is_resumed()
    {
        await using var redis = await RedisServer.StartAsync();
        redis.Suspend();
        var answer = redis.CommandAsync("PING");
        await Task.Delay(TimeSpan.FromMilliseconds(300));
        Assert.That(answer.IsCompleted, Is.False);

        redis.Resume();
        Assert.That(await answer, Is.EqualTo("+PONG"));
    }

    [Test]
    public async Task Nginx_asks_one_replica_after_the_other()
    {
        // They have different keys, so that a token is good at one of them alone.
        await using var one = await ChatApiProcess.StartAsync(new Dictionary<string, string?> { ["JWT_SECRET_KEY"] = TestTokens.Key });
        await using var other = await ChatApiProcess.StartAsync();
        await using var nginx = await NginxServer.StartAsync([one.Address, other.Address]);
        using var client = one.Client(TestTokens.For(Guid.CreateVersion7()), nginx.Address);
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 6; i++)
        {
            using var answer = await client.GetAsync("/api/chat/sessions");
            answers.Add(answer.StatusCode);
        }

        Assert.That(answers.Count(status => status == HttpStatusCode.OK), Is.EqualTo(3), string.Join(' ', answers));
        Assert.That(answers.Count(status => status == HttpStatusCode.Unauthorized), Is.EqualTo(3));
    }

    /// <summary>A command as one types it, and the line that answers it.</summary>
    private static async Task<string?> SayAsync(int port, string command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"));
        using var reader = new StreamReader(stream);
        using var patience = new CancellationTokenSource(Poll.Patience);
        return await reader.ReadLineAsync(patience.Token);
    }

    private static async Task<string?> AskAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (string?)await command.ExecuteScalarAsync();
    }
}
