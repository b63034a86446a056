using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ChatApi.Tests.Support;
using NUnit.Framework;

namespace ChatApi.Tests.Web.AnyBytes;

/// <summary>
/// Whatever bytes come, the answer is one that the OpenAPI document names, and never a fault of ours. The run prints its seed:
/// <c>ANY_BYTES_SEED</c> repeats it, <c>ANY_BYTES_COUNT</c> makes it longer.
/// </summary>
[TestFixture(DatabaseKind.Sqlite)]
[TestFixture(DatabaseKind.Postgres)]
[Parallelizable(ParallelScope.Self)]
public sealed class AnyBytesTests(DatabaseKind database)
{
    private const int Senders = 4;
    private const int DefaultCount = 3000;
    private const int MostFailures = 10;
    private const int EnoughForEach = 2500;

    /// <summary>On a machine that is busy with other tests the rest is left out, unless a count was asked for.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(40);

    private static readonly int? Seed = Setting("ANY_BYTES_SEED");
    private static readonly int? Count = Setting("ANY_BYTES_COUNT");

    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentDictionary<string, int> _statuses = new();
    private readonly ConcurrentDictionary<string, int> _successes = new();
    private readonly Stopwatch _watch = new();
    private ScriptedUpstream _upstream = null!;
    private ChatApiProcess _server = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _upstream = ScriptedUpstream.Start();
        _upstream.Default = ModelFaults.For;
        var settings = ChatApiEnvironment.Settings(_upstream);
        if (database == DatabaseKind.Postgres)
        {
            var postgres = await ChatApiEnvironment.PostgresAsync();
            settings["DATABASE_URL"] = postgres.Url(await postgres.CreateDatabaseAsync());
        }

        settings["UPSTREAM_MAX_RETRIES"] = "0";
        _server = await ChatApiProcess.StartAsync(settings);
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        await _server.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Test]
    public async Task Every_request_gets_a_documented_answer_and_no_server_error()
    {
        var seed = Seed ?? Environment.TickCount;
        var count = Count ?? DefaultCount;
        TestContext.Out.WriteLine($"ANY_BYTES_SEED={seed} ANY_BYTES_COUNT={count}, {database}");
        _watch.Start();

        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(() => SendAsync(seed, count, sender))));

        TestContext.Out.WriteLine($"{_statuses.Values.Sum()} requests in {_watch.Elapsed.TotalSeconds:F1} s; {Told(_statuses)}");
        TestContext.Out.WriteLine($"good answers: {Told(_successes)}");
        if (!_failures.IsEmpty)
            TestContext.Out.WriteLine(_server.Output[^Math.Min(_server.Output.Length, 200_000)..]);
        Assert.That(_failures, Is.Empty, $"ANY_BYTES_SEED={seed}");

        // Most requests are not what the document wants: of few, none may be good for one of the operations.
        if (_statuses.Values.Sum() >= EnoughForEach)
            Assert.That(_successes.Keys, Is.EquivalentTo(ApiDescription.Instance.Operations.Select(operation => operation.Id)), "Each operation succeeds now and then.");
        Assert.That(_server.Output.Split('\n').Where(line => line.Contains(" fail: ", StringComparison.Ordinal) || line.StartsWith("fail: ", StringComparison.Ordinal)), Is.Empty);
    }

    private async Task SendAsync(int seed, int count, int sender)
    {
        var (account, other) = (await Account.NewAsync(_server), await Account.NewAsync(_server));
        for (var number = sender; number < count && _failures.Count < MostFailures && (Count is not null || _watch.Elapsed < Longest); number += Senders)
        {
            var request = new RequestGenerator(new Random(unchecked(seed * 1_000_003 + number)), account, other).Next();
            try
            {
                account = await SendAsync(account, request);
            }
            catch (Exception exception)
            {
                _failures.Enqueue($"request {number}: {exception}\n{request}");
            }
        }
    }

    /// <returns>Whoever sends the next request.</returns>
    private async Task<Account> SendAsync(Account account, GeneratedRequest request)
    {
        var found = await ExchangeAsync(request);

        // Of a client that hangs up a server may still be deleting what it asked for.
        if ((request.IsBroken || found is null) && request.Bytes.AsSpan().StartsWith("DELETE"u8))
            account = await Account.NewAsync(_server);
        if (found is not { } answer)
            return await RenewedAsync(account);
        var status = answer.Status.ToString(CultureInfo.InvariantCulture);
        _statuses.AddOrUpdate(status, 1, (_, before) => before + 1);
        var errors = AnswerCheck.Errors(request, answer).Concat(await ReadBack.ErrorsAsync(account, request, answer)).ToList();
        if (errors.Count > 0)
            _failures.Enqueue($"{string.Join("; ", errors)}\n{answer.Status} {Encoding.Latin1.GetString(answer.Body)[..Math.Min(answer.Body.Length, 600)]}\nto {request}\n");
        if (answer.Status < 300 && request.Operation is { } operation)
            _successes.AddOrUpdate(operation.Id, 1, (_, before) => before + 1);
        return request.Operation is null || request.Operation.Method == HttpMethod.Delete ? await RenewedAsync(account) : account;
    }

    /// <summary>With something to ask for again, after a request that may have deleted it.</summary>
    private async Task<Account> RenewedAsync(Account account) => await StatusAsync(account, "messages") is var status and not HttpStatusCode.OK
        ? await RenewedAsync(account, status)
        : await RenewedAsync(account, await StatusAsync(account, "questions"));

    private static async Task<HttpStatusCode> StatusAsync(Account account, string which) =>
        (await account.User.GetAsync($"/api/chat/messages/{account.Ids[which]}")).Status;

    private async Task<Account> RenewedAsync(Account account, HttpStatusCode status) => status switch
    {
        HttpStatusCode.OK => (await account.User.GetAsync($"/api/shared/{account.Ids["shared"]}")).Status == HttpStatusCode.OK ? account : await account.RenewAsync(),
        HttpStatusCode.NotFound => await account.RenewAsync(),
        _ => await Account.NewAsync(_server),
    };

    /// <summary>Null where the server hung up, as it may on what is no HTTP or too much to be read.</summary>
    private async Task<RawAnswer?> ExchangeAsync(GeneratedRequest request)
    {
        var isTooMuch = request.Body?.Length > 1_000_000;
        await using var stream = await RawHttp.OpenAsync(_server.Address, []);
        try
        {
            await stream.WriteAsync(request.Bytes);

            // What waits for more learns that there is none.
            if (request.IsBroken)
                stream.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (IOException) when (isTooMuch)
        {
            // The answer may be there all the same.
        }

        try
        {
            var text = await RawHttp.ReadAsync(stream);
            return RawAnswer.IsWhole(text) || !(request.IsBroken || isTooMuch) ? RawAnswer.Parse(text) : null;
        }
        catch (IOException) when (request.IsBroken || isTooMuch)
        {
            return null;
        }
    }

    private static string Told(IEnumerable<KeyValuePair<string, int>> counts) =>
        string.Join(", ", counts.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}: {pair.Value}"));

    private static int? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
