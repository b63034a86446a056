using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using ChatApi.Bench.Reporting;
using ChatApi.Tests.Support;
using Npgsql;

namespace ChatApi.Bench.Running;

/// <summary>How long lists and searches take one user who has said very much, on PostgreSQL; through HTTP, one after the other.</summary>
/// <param name="options">What is wanted.</param>
/// <param name="program">ChatApi's.</param>
internal sealed class SearchRun(BenchOptions options, string program)
{
    private const double MostMilliseconds = 50;
    private const int MessagesEach = 100;

    /// <summary>
    /// Words of two to four syllables, of which some are a thousand times as frequent as others, make phrases; two of them make a message. A few
    /// words are where it is known how often: <c>casa</c> in every second message, <c>puente</c> in one of a hundred, <c>aguja</c> in one of
    /// fifty thousand, <c>viaje</c> in one title of two hundred.
    /// </summary>
    private const string Fill =
        """
        CREATE TEMP TABLE vocabulary AS SELECT n, (
            SELECT string_agg((ARRAY['ba','co','di','fu','ge','ha','li','mo','nu','pa','que','ri','so','tá','vi','zé'])[((n / (16 ^ k)::int) % 16) + 1], '')
            FROM generate_series(0, CASE WHEN n < 256 THEN 1 WHEN n < 4096 THEN 2 ELSE 3 END) k) AS word
        FROM generate_series(1, 20000) n;
        CREATE UNIQUE INDEX ON vocabulary (n);
        CREATE TEMP TABLE phrases AS
        SELECT drawn.n, string_agg(word, ' ') AS text FROM (
            SELECT n, greatest(1, floor(exp(random() * ln(20000)))::int) AS rank FROM generate_series(1, 20000) n, generate_series(1, 16)) drawn
        JOIN vocabulary ON vocabulary.n = drawn.rank GROUP BY drawn.n;
        CREATE UNIQUE INDEX ON phrases (n);
        ANALYZE;

        INSERT INTO chat.sessions (id, user_id, title, created_at, updated_at, last_message_at, last_position, is_pinned, is_archived)
        SELECT gen_random_uuid(), '{0}', left(text, 40) || CASE WHEN n % 200 = 0 THEN ' viaje' ELSE '' END, made, made, made, {2}, n % 100 = 0, n % 10 = 1
        FROM (SELECT *, now() - n * interval '50 minutes' AS made FROM phrases WHERE n <= {1}) session;

        INSERT INTO chat.messages (id, session_id, user_id, position, role, content, created_at, status)
        SELECT gen_random_uuid(), session_id, user_id, position, CASE position % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
            one.text || '. ' || other.text || CASE position % 2 WHEN 0 THEN ' casa' ELSE '' END || CASE rare % 100 WHEN 0 THEN ' puente' ELSE '' END
                || CASE rare WHEN 1 THEN ' aguja' ELSE '' END, last_message_at - ({2} - position) * interval '10 seconds', 'completed'
        FROM (
            SELECT session.id AS session_id, session.user_id, session.last_message_at, position, 1 + floor(random() * 20000)::int AS first,
                1 + floor(random() * 20000)::int AS second, floor(random() * 50000)::int AS rare
            FROM chat.sessions session, generate_series(1, {2}) position) message
        JOIN phrases one ON one.n = first JOIN phrases other ON other.n = second;
        """;

    private static readonly (string Name, string Query, bool SecondPage)[] Lists =
    [
        ("first page", "", false),
        ("second page", "", true),
        ("pinned", "pinned=true", false),
        ("archived", "archived=true", false),
        ("a word in 1 of 2 messages", "q=casa", false),
        ("· its second page", "q=casa", true),
        ("a word in 1 of 100 messages", "q=puente", false),
        ("· its second page", "q=puente", true),
        ("a word in 1 of 50,000 messages", "q=aguja", false),
        ("a word in nothing", "q=nada", false),
        ("a beginning in nearly all", "q=ba", false),
        ("a beginning in 1 of 50,000", "q=agu", false),
        ("two words, in 1 of 200", "q=casa%20puente", false),
        ("a word in 1 of 200 titles", "q=viaje", false),
        ("a word in 1 of 2, pinned", "q=casa&pinned=true", false),
    ];

    /// <summary>Returns whether all were quick enough, but for a smoke run, and everything was found.</summary>
    public async Task<bool> RunAsync()
    {
        await using var stage = await Stage.StartAsync(options, program);
        var chat = await stage.StartChatApiAsync(Contestant.ChatApi, BenchDatabase.Postgres);
        var (user, sessions, times) = (Guid.NewGuid(), options.IsSmoke ? 200 : 10_000, options.IsSmoke ? 2 : 50 * options.Rounds);
        await FillAsync(stage.Postgres.AdministratorConnectionString(chat.Database!), user, sessions);
        using var client = new HttpClient { BaseAddress = chat.Servers[0].Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestTokens.For(user));

        var (rows, bars) = (new List<string[]>(), new List<Bar>());
        foreach (var (name, query, isSecond) in Lists)
        {
            Rounds.Progress($"search: {name}");
            var path = await PathAsync(client, query, isSecond);
            var taken = new List<double>();
            var (found, size) = (0, 0);
            for (var i = 0; i < times; i++)
            {
                var watch = Stopwatch.StartNew();
                var body = await client.GetByteArrayAsync(path);
                taken.Add(watch.Elapsed.TotalMilliseconds);
                using var list = JsonDocument.Parse(body);
                (found, size) = (list.RootElement.GetArrayLength(), body.Length);
            }

            taken.Sort();
            var (median, tail) = (taken[taken.Count / 2], taken[(int)(taken.Count * 0.99)]);
            rows.Add([name, Number(found), Report.Number(median), Report.Number(tail), Number(size)]);
            bars.Add(new($"{name}: p50, ms", median, MostMilliseconds));
        }

        Console.WriteLine($"\n## search: {sessions:N0} sessions, {sessions * MessagesEach:N0} messages of one user\n");
        Table.Write(Console.Out, ["", "found", "p50, ms", "p99, ms", "bytes"], rows);
        Console.WriteLine();
        if (options.IsSmoke)
            return rows.All(row => row[1] != "0" || row[0].Contains("nothing", StringComparison.Ordinal) || row[0].Contains("50,000", StringComparison.Ordinal));
        Report.PrintBars(Console.Out, [.. bars]);
        return !bars.Exists(bar => bar.IsMissed);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Into tables without the index, which is made again: row by row it takes an hour.</summary>
    private static async Task FillAsync(string database, Guid user, int sessions)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var connection = await source.OpenConnectionAsync();
        await using var read = new NpgsqlCommand("SELECT pg_get_indexdef('chat.ix_messages_words'::regclass)", connection);
        var index = (string)(await read.ExecuteScalarAsync())!;
        var fill = Fill.Replace("{0}", $"{user}", StringComparison.Ordinal).Replace("{1}", Number(sessions), StringComparison.Ordinal)
            .Replace("{2}", Number(MessagesEach), StringComparison.Ordinal);
        foreach (var sql in new[]
        {
            "DROP INDEX chat.ix_messages_words", fill, $"SET maintenance_work_mem = '512MB'; {index}", "VACUUM ANALYZE chat.messages, chat.sessions",
        })
        {
            Rounds.Progress($"search: {sql.AsSpan(0, Math.Min(40, sql.Length))}");
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task<string> PathAsync(HttpClient client, string query, bool isSecond)
    {
        var first = $"/api/chat/sessions?{query}";
        if (!isSecond)
            return first;
        using var answer = await client.GetAsync(first);
        var link = answer.Headers.GetValues("Link").Single();
        return link[(link.IndexOf('<', StringComparison.Ordinal) + 1)..link.IndexOf('>', StringComparison.Ordinal)];
    }
}
