using System.Globalization;
using System.Net;
using ChatApi.Tests.Support;
using Npgsql;
using NUnit.Framework;

namespace ChatApi.Tests.Infrastructure.Persistence;

/// <summary>
/// What Supabase's Data API can do: roles, <c>auth.uid()</c> and the way claims arrive are as its projects have them. An operator has
/// opened the schema to the API as Supabase's manual says, before the first start: grants by default included.
/// </summary>
[Parallelizable(ParallelScope.Self)]
public sealed class DataApiTests
{
    private const string Denied = PostgresErrorCodes.InsufficientPrivilege;

    private const string LikeSupabase =
        $$"""
        CREATE SCHEMA auth;
        CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $f$
          select coalesce(
            nullif(current_setting('request.jwt.claim.sub', true), ''),
            (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
          )::uuid
        $f$;
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, {{PostgresServer.UserName}};
        ALTER DEFAULT PRIVILEGES FOR ROLE {{PostgresServer.UserName}} GRANT ALL ON TABLES TO anon, authenticated;
        CREATE SCHEMA chat AUTHORIZATION {{PostgresServer.UserName}};
        GRANT USAGE ON SCHEMA chat TO anon, authenticated;
        ALTER DEFAULT PRIVILEGES FOR ROLE {{PostgresServer.UserName}} IN SCHEMA chat GRANT ALL ON TABLES TO anon, authenticated;
        """;

    /// <summary>
    /// How many rows of each table its owner reads; null: nobody does. A new table needs a line here, and
    /// <c>SetDataApiRights</c> in its migration.
    /// </summary>
    private static readonly Dictionary<string, int?> RowsOfOwner = new()
    {
        ["users"] = 1,
        ["sessions"] = 1,
        ["messages"] = 2,
        ["runs"] = 1,
        ["daily_usage"] = 1,
        ["shares"] = null,
        ["run_journal"] = null,
        ["deleted_accounts"] = null,
        ["__ef_migrations_history"] = null,
    };

    private PostgresServer _postgres = null!;
    private string _database = "";
    private Guid _owner;
    private Guid _other;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _postgres = await ChatApiEnvironment.PostgresAsync();
        _database = await _postgres.CreateDatabaseAsync();
        await _postgres.ExecuteAsync(LikeSupabase, _database);
        await using (var server = await ServeAsync(_postgres.Url(_database)))
        {
            _owner = await ChatAsync(server, "owner@example.com");
            _other = await ChatAsync(server, "other@example.com");
            Assert.That(server.Output, Does.Not.Contain("Row-level security"));
        }

        // A server that still runs removes the rows of runs that have ended, and may have left its own here until then.
        await _postgres.ExecuteAsync("INSERT INTO chat.run_journal SELECT id, 0, 1, 'canary', '\\x01' FROM chat.runs ON CONFLICT DO NOTHING", _database);
    }

    [Test]
    public async Task It_is_decided_of_every_table_who_reads_it() =>
        Assert.That(await ColumnAsync($"SELECT relname FROM pg_class WHERE relnamespace = 'chat'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"),
            Is.EquivalentTo(RowsOfOwner.Keys));

    [Test]
    public void Owners_read_their_own_rows_others_none_and_anon_is_refused() => Assert.Multiple(async () =>
    {
        foreach (var (table, rows) in RowsOfOwner)
        {
            var own = rows?.ToString(CultureInfo.InvariantCulture) ?? Denied;
            Assert.That(await CountAsync("authenticated", _owner, table), Is.EqualTo(own), table);
            Assert.That(await CountAsync("authenticated", _other, table), Is.EqualTo(own), table);
            Assert.That(await CountAsync("authenticated", Guid.NewGuid(), table), Is.EqualTo(rows is null ? Denied : "0"), table);
            Assert.That(await CountAsync("authenticated", null, table), Is.EqualTo(rows is null ? Denied : "0"), table);
            Assert.That(await CountAsync("anon", _owner, table), Is.EqualTo(Denied), table);
        }

        Assert.That(await AskAsync("authenticated", _owner, $"SELECT count(*) FROM chat.sessions WHERE user_id = '{_other}'"), Is.EqualTo("0"));
        Assert.That(await AskAsync("authenticated", _owner, "SELECT email FROM chat.users"), Is.EqualTo("owner@example.com"));
    });

    [TestCase("SELECT password_hash FROM chat.users")]
    [TestCase("SELECT * FROM chat.users")]
    [TestCase("SELECT request_hash FROM chat.runs")]
    [TestCase("UPDATE chat.messages SET content = ''")]
    [TestCase("UPDATE chat.users SET name = ''")]
    [TestCase("DELETE FROM chat.sessions")]
    [TestCase("TRUNCATE chat.users")]
    [TestCase("INSERT INTO chat.sessions SELECT * FROM chat.sessions")]
    [TestCase("CREATE TABLE chat.mine ()")]
    public async Task Neither_role_may(string statement)
    {
        Assert.That(await AskAsync("authenticated", _owner, statement), Is.EqualTo(Denied));
        Assert.That(await AskAsync("anon", _owner, statement), Is.EqualTo(Denied));
    }

    [Test]
    public async Task Nothing_but_reading_is_granted_on_any_table()
    {
        var granted = await ColumnAsync(
            "SELECT grantee || ' ' || privilege_type || ' ' || table_name FROM information_schema.column_privileges " +
            "WHERE table_schema = 'chat' AND grantee IN ('anon', 'authenticated', 'PUBLIC') AND NOT (grantee = 'authenticated' AND privilege_type = 'SELECT')");
        var others = await ColumnAsync(
            "SELECT grantee || ' ' || privilege_type || ' ' || table_name FROM information_schema.table_privileges " +
            "WHERE table_schema = 'chat' AND grantee IN ('anon', 'authenticated', 'PUBLIC') AND privilege_type <> 'SELECT'");
        Assert.That(granted.Concat(others), Is.Empty);
    }

    [Test, Order(1)]
    public async Task Grants_that_an_operator_adds_open_nothing_that_is_somebody_elses()
    {
        await _postgres.ExecuteAsync("GRANT USAGE ON SCHEMA chat TO anon; GRANT ALL ON ALL TABLES IN SCHEMA chat TO anon, authenticated", _database);
        try
        {
            foreach (var (table, rows) in RowsOfOwner)
            {
                Assert.That(await CountAsync("anon", _owner, table), Is.EqualTo("0"), table);
                Assert.That(await CountAsync("authenticated", _owner, table), Is.EqualTo($"{rows ?? 0}"), table);
            }
        }
        finally
        {
            // What any later migration does that makes a table.
            await _postgres.ExecuteAsync("DELETE FROM chat.__ef_migrations_history WHERE migration_id LIKE '%_OwnRowsForDataApi'", _database);
            await using var server = await ServeAsync(_postgres.Url(_database));
        }
    }

    [Test, Order(2)]
    public async Task A_table_that_is_open_and_a_role_that_does_not_own_the_tables_are_told_at_start()
    {
        const string Stranger = "stranger_of_data_api_tests";
        var database = await _postgres.CreateDatabaseAsync();
        await using (await ServeAsync(_postgres.Url(database)))
        {
        }

        await _postgres.ExecuteAsync(
            $"""
            ALTER TABLE chat.runs DISABLE ROW LEVEL SECURITY;
            CREATE ROLE {Stranger} LOGIN PASSWORD 'canary'; GRANT USAGE ON SCHEMA chat TO {Stranger}; GRANT ALL ON ALL TABLES IN SCHEMA chat TO {Stranger};
            """, database);
        await using var owner = await ServeAsync(_postgres.Url(database));
        await using var stranger = await ServeAsync(
            $"Host=127.0.0.1;Port={_postgres.Port};Username={Stranger};Password=canary;Database={database}", autoMigrate: false);

        await Poll.UntilAsync(() => owner.Output.Contains("Row-level security is off on chat.runs:", StringComparison.Ordinal), "a warning");
        await Poll.UntilAsync(() => stranger.Output.Contains($"Row-level security binds {Stranger} on chat.sessions", StringComparison.Ordinal), "a warning");
        Assert.That(owner.Output, Does.Not.Contain("binds").And.Not.Contain("off on chat.users"));
    }

    [Test]
    public async Task On_a_plain_PostgreSQL_it_works_and_roles_that_appear_later_get_nothing()
    {
        await using var plain = await PostgresServer.StartAsync();
        await plain.ExecuteAsync("DROP ROLE anon; DROP ROLE authenticated");
        var database = await plain.CreateDatabaseAsync();
        await using (var server = await ServeAsync(plain.Url(database)))
            await ChatAsync(server, "owner@example.com");

        await plain.ExecuteAsync("CREATE ROLE anon; CREATE ROLE authenticated", database);

        foreach (var role in new[] { "anon", "authenticated" })
            foreach (var table in RowsOfOwner.Keys)
                Assert.That(await AskAsync(plain, database, role, null, $"SELECT count(*) FROM chat.{table}"), Is.EqualTo(Denied), table);
    }

    private static Task<ChatApiProcess> ServeAsync(string databaseUrl, bool autoMigrate = true) => ChatApiProcess.StartAsync(new Dictionary<string, string?>
    {
        ["JWT_SECRET_KEY"] = TestTokens.Key,
        ["DATABASE_URL"] = databaseUrl,
        ["DATABASE_AUTO_MIGRATE"] = autoMigrate ? "true" : "false",
        ["DEMO_WORD_DELAY_MS"] = "0",
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
    });

    private static async Task<Guid> ChatAsync(ChatApiProcess server, string email)
    {
        var answer = await ApiClient.Nobody(server).PostAsync("/api/auth/register", new { email, password = "canary-password" });
        var token = answer.Expect(HttpStatusCode.Created)["token"];
        (await new ApiClient(server, Guid.Empty, token).PostAsync("/api/chat", new { content = "canary" })).Expect(HttpStatusCode.OK);
        return answer.Json.GetProperty("user").GetProperty("id").GetGuid();
    }

    private Task<string> CountAsync(string role, Guid? user, string table) => AskAsync(role, user, $"SELECT count(*) FROM chat.{table}");

    private Task<string> AskAsync(string role, Guid? user, string sql) => AskAsync(_postgres, _database, role, user, sql);

    /// <summary>The first value, or the SQLSTATE of the refusal.</summary>
    private static async Task<string> AskAsync(PostgresServer postgres, string database, string role, Guid? user, string sql)
    {
        await using var connection = new NpgsqlConnection(postgres.AdministratorConnectionString(database));
        await connection.OpenAsync();
        var claims = user is null ? "" : $$"""{"sub":"{{user}}","role":"{{role}}"}""";
        await using var become = new NpgsqlCommand($"SET ROLE {role}; SELECT set_config('request.jwt.claims', '{claims}', false)", connection);
        await become.ExecuteNonQueryAsync();
        try
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture) ?? "";
        }
        catch (PostgresException exception)
        {
            return exception.SqlState;
        }
    }

    private async Task<List<string>> ColumnAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_postgres.AdministratorConnectionString(_database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var values = new List<string>();
        while (await reader.ReadAsync())
            values.Add(reader.GetString(0));
        return values;
    }
}
